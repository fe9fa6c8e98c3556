// Adapters may import from core only.
export type { Clock } from '../validator/clock.ts';
