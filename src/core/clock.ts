// For the adapters, which know core only.
export type { Clock } from '../validator/clock.ts';
