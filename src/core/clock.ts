export type { Clock } from '../validator/clock.ts';
