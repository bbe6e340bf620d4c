// Public index of the files capability.

export { ContentValidation } from './content-validation';
export { DirectFiles, type UploadSlot } from './direct-files';
export { type CompletedFile, FileCompletion } from './file-completion';
export type { FileRecord } from './file-record';
export type { FileContents, FileRecords } from './file-store';
export { FileSweep } from './file-sweep';
export { contentDisposition, headerText } from './header-text';
export { type IncomingFile, LegacyFiles, maxLegacyFileBytes } from './legacy-files';
export { PublishedFiles } from './published-files';
export { transferTurns } from './transfer-turns';
