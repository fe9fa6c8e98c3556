// Adapters may import from core only.
export { createdAtOf } from '../../validator/session-id.ts';
