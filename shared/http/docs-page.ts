// The page of GET /docs and the little script that starts the viewer. Both are served from the broker itself and
// carry a policy under which the browser fetches nothing from anywhere else and runs no inline script.

/** Files of the packaged viewer (swagger-ui-dist) that are served, with their content types; nothing else is. */
export const viewerAssets: Readonly<Record<string, string>> = {
  'swagger-ui-bundle.js': 'text/javascript; charset=utf-8',
  'swagger-ui.css': 'text/css; charset=utf-8',
  'favicon-32x32.png': 'image/png',
};

/** Our own script beside them; not a file of the viewer. */
export const initializerName = 'initializer.js';

/** Nothing but this origin; `data:` images are the icons inside the viewer's style sheet. */
export const contentSecurityPolicy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

/**
 * The page.
 * @param assetBase where the assets lie, seen from the page: `docs/` for `/docs` and `./` for `/docs/`
 */
export function docsPage(assetBase: 'docs/' | './'): string {
  return `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <title>DDHub Message Broker: API</title>
    <link rel="icon" type="image/png" href="${assetBase}favicon-32x32.png">
    <link rel="stylesheet" href="${assetBase}swagger-ui.css">
  </head>
  <body>
    <noscript>The document itself is at /openapi.json.</noscript>
    <main id="viewer"></main>
    <script src="${assetBase}swagger-ui-bundle.js"></script>
    <script src="${assetBase}${initializerName}"></script>
  </body>
</html>
`;
}

/**
 * Starts the viewer. The document's address is taken from the script's own, so that the page also works behind
 * a gateway that adds a prefix. `validatorUrl: null` keeps the viewer from asking a public validator.
 */
export const initializer = `const documentUrl = new URL('../openapi.json', document.currentScript.src).href;
window.addEventListener('load', () => {
  SwaggerUIBundle({
    url: documentUrl,
    dom_id: '#viewer',
    validatorUrl: null,
    deepLinking: true,
    displayRequestDuration: true,
    docExpansion: 'list',
    filter: true,
  });
});
`;
