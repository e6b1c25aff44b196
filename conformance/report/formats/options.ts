/** How a report is made. */
export interface RenderOptions {
  /** Base URL of the specification's chapters, for links. Default: "docs/spec/", as in the package. */
  spec?: string | undefined;
}
