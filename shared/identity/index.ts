// What other capabilities and the triggers may use of identity.

export type { AccessTokenIssuer } from './access-token';
export { createAuthenticator } from './authenticator';
export type { Caller } from './caller';
export { isDid } from './did';
export { LoginLimits } from './login-limits';
export { Login, type TokenPair } from './login';
export type { ParticipantDirectory } from './participant-directory';
export type { RoleDirectory } from './role-directory';
export { compileRolePattern, mayAdministerTopicsOf } from './role-pattern';
export { noRoles, type RoleSource } from './role-source';
export { Sessions } from './sessions';
