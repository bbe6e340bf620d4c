// Public index of the retention capability.

export { expireMessages } from './expiry';
export { type Retention, RetentionPolicy } from './retention-class';
export { messageLife } from './message-life';
export { PartlyFailed, type RetentionStep, runRetention } from './step';
