// Public index of the topics capability.

export type { ContentCheck, ContentValidator } from './content-check';
export type { PayloadValidator, SchemaSource } from './payload-validator';
export { deprecationHeaders } from './deprecation';
export { schemaToJson } from './schema-text';
export { schemaTypes, type SchemaType, stateTagOf, type TopicView } from './topic';
export type { Page, PageRequest } from './paging';
export { TopicAdministration } from './topic-administration';
export { TopicCatalog } from './topic-catalog';
export { createCatalogSource, reconcileTopics, TopicAnnouncer } from './topic-read-model';
export { type CompatibilityOptions, compatibilityModes, unknownPropertiesChoices } from './topic-options';
export type { CompatibilityReport } from './version-compatibility';
