/** Options of a renderer. */
export interface RenderOptions {
  /**
   * Base URL of the specification's chapters, for links.
   * @default those of this version in the repository
   */
  spec?: string | undefined;
}
