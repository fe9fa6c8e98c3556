// Started by ./processes.ts: calls functions of the module in its argument.
import { pathToFileURL } from 'node:url';
import type { AnswerMessage, CallMessage } from './processes.ts';

type Functions = Readonly<Record<string, (...args: readonly unknown[]) => unknown>>;

const [file = ''] = process.argv.slice(2);
process.env['NODE_ENV'] = 'production';
process.on('disconnect', () => process.exit(1));
process.on('message', (message: CallMessage) => {
  answerTo(message).then(
    (result) => process.send?.({ result } satisfies AnswerMessage),
    (error: unknown) => {
      const problem = error instanceof Error ? (error.stack ?? error.message) : String(error);
      process.send?.({ problem } satisfies AnswerMessage);
    },
  );
});

async function answerTo({ name, args }: CallMessage): Promise<unknown> {
  const module = (await import(pathToFileURL(file).href)) as Functions;
  return await module[name]?.(...args);
}
