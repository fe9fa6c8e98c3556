import { fork } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';

/** A module in its own Node process. Ends when it is disposed of, or with this process. */
export interface ModuleProcess<Module> extends AsyncDisposable {
  /**
   * Calls an exported function in that process. Rejects with its error, or if the process ends first. One call at a
   * time.
   */
  call<Name extends Functions<Module>>(
    name: Name,
    ...args: ArgsOf<Module[Name]>
  ): Promise<ResultOf<Module[Name]>>;
}

type Functions<Module> = {
  [Name in keyof Module]: Module[Name] extends AnyFunction ? Name : never;
}[keyof Module];
type AnyFunction = (...args: never[]) => unknown;
type ArgsOf<Value> = Value extends (...args: infer Args) => unknown ? Args : never;
type ResultOf<Value> = Value extends (...args: never[]) => infer Result ? Awaited<Result> : never;

export interface CallMessage {
  readonly name: string;
  readonly args: readonly unknown[];
}
export type AnswerMessage = { readonly result: unknown } | { readonly problem: string };

/**
 * @param file of the module, relative to this folder.
 * @param nodeOptions of the process.
 */
export function startModule<Module>(
  file: string,
  nodeOptions: readonly string[] = [],
): ModuleProcess<Module> {
  const child = fork(
    path.join(import.meta.dirname, 'module-process.ts'),
    [path.join(import.meta.dirname, file)],
    {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
      execArgv: [...nodeOptions],
      serialization: 'advanced',
    },
  );
  const ended = once(child, 'exit').then(([code, signal]) => {
    throw new Error(`the process of ${file} ended with ${code ?? signal}`);
  });
  ended.catch(() => undefined);
  return {
    call: async (name, ...args) => {
      const answered = once(child, 'message');
      child.send({ name: String(name), args } satisfies CallMessage);
      const [answer] = (await Promise.race([answered, ended])) as [AnswerMessage];
      if ('problem' in answer) throw new Error(`${file}: ${answer.problem}`);
      return answer.result as never;
    },
    [Symbol.asyncDispose]: async () => {
      child.kill();
      await ended.catch(() => undefined);
    },
  };
}
