/** As much of the viewer as is used here: it comes without types. */
declare module "openapi-explorer" {
  export default class OpenApiExplorer extends HTMLElement {
    serverUrl: string;
    loadSpec(document: object): Promise<void>;
  }
}
