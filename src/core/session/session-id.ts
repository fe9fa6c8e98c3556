// For the adapters, which know core only.
export { createdAtOf } from '../../validator/session-id.ts';
