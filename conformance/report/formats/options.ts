/** Options of a renderer. */
export interface RenderOptions {
  /**
   * Base URL of the specification's chapters, for links.
   * @default "docs/spec/", the folder in the package
   */
  spec?: string | undefined;
}
