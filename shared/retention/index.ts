// Public index of the retention capability.

export { expireMessages } from './expiry';
export { type RetentionStep, runRetention } from './step';
