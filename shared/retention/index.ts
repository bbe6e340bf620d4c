// Public index of the retention capability.

export { expireMessages } from './expiry';
export { type Retention, RetentionPolicy } from './retention-class';
export { type RetentionStep, runRetention } from './step';
