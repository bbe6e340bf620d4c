// Types of viewer-assets.mjs for the tests.
export const viewerFiles: readonly string[];
export function copyViewer(directory: string): Promise<void>;
