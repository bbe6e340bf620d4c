// The settings of the broker that an operator may choose. What the infrastructure decides stands in
// modules/function-app.bicep; both together are all settings of the program, which a test compares.
metadata description = 'Settings of the broker.'

@export()
@description('Settings that the parameter settings may override. An empty one counts as absent: the program then takes its own default.')
var chosenSettings = {
  DUPLICATE_WINDOW_SECONDS: ''
  RETENTION_CLASSES: ''
  DEFAULT_RETENTION_CLASS: ''
  RETENTION_SCHEDULE: ''
  RETENTION_BUDGET_SECONDS: ''
  FILE_MAX_BYTES: ''
  FILE_DIGEST_MAX_BYTES: ''
  VALIDATED_FILE_MAX_BYTES: ''
  UPLOAD_SLOT_SECONDS: ''
  FILE_URL_SECONDS: ''
  CONCURRENT_DOWNLOADS: ''
  CONCURRENT_UPLOADS: ''
  CLAIM_CHECK_FAN_OUT_BYTES: ''
  TOKEN_ISSUER: ''
  TOKEN_AUDIENCE: ''
  TRUSTED_ISSUERS: ''
  IDENTITY_TOKEN_MAX_AGE_SECONDS: ''
  CLOCK_TOLERANCE_SECONDS: ''
  ACCESS_TOKEN_SECONDS: ''
  REFRESH_TOKEN_SECONDS: ''
  REFRESH_GRACE_SECONDS: ''
  ROLES_FILE: ''
  USER_ROLE_PATTERN: ''
  TOPIC_CREATOR_ROLE_PATTERN: ''
  CONCURRENT_REQUESTS: ''
  REQUEST_WAIT_SECONDS: ''
  BODY_SECONDS: ''
  TRANSFER_SECONDS: ''
  LOGINS_PER_MINUTE: ''
  ADDRESS_LOGINS_PER_MINUTE: ''
  TOPICS_PER_OWNER: ''
  VERSIONS_PER_TOPIC: ''
  CLIENT_IDS_PER_PARTICIPANT: ''
  CURSORS_PER_MAILBOX: ''
  ANONYMOUS_KEYS_PER_PARTICIPANT: ''
  WAITING_RECEIVES_PER_PARTICIPANT: ''
  CHANNELS_PER_PARTICIPANT: ''
  UPLOAD_SLOTS_PER_PARTICIPANT: ''
  LOG_LEVEL: ''
}

@export()
@description('What the program takes when RETENTION_CLASSES is absent; a test compares.')
var defaultRetentionClasses = '1h,6h,24h,7d,30d'
