// Public index of the topics capability.

export type { ContentCheck, ContentValidator } from './content-check';
export type { PayloadValidator, SchemaSource } from './payload-validator';
export { deprecationHeaders } from './deprecation';
export { schemaToJson } from './schema-text';
export { schemaTypes, type SchemaType, stateTagOf, type TopicView } from './topic';
export { TopicAdministration, type Page, type PageRequest } from './topic-administration';
export { TopicCatalog } from './topic-catalog';
export { createCatalogSource, reconcileTopics, TopicAnnouncer } from './topic-read-model';
