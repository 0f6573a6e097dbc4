/** The lab's side of an agent: starts it when it is first needed, and hands on what it says. */
import type { ChildProcess } from 'node:child_process';
import type { Answer, Request } from './agent-words.ts';
import type { Ground } from './ground.ts';
import type { Namespace } from './kernel.ts';

export class Agent {
  readonly #waiting: Request[] = [];
  readonly #listeners = new Set<(answer: Answer) => void>();
  #process: ChildProcess | undefined;
  #closed = false;
  #end!: () => void;
  /** It answers no more. */
  readonly ended = new Promise<void>((resolve) => {
    this.#end = resolve;
  });

  constructor(space: Namespace, { kernel, agent, catchUp, stir }: Ground) {
    space.afterwards(async () => {
      if (this.#closed) return;
      const child = space.start(process.execPath, [agent], {
        stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
      });
      this.#process = child;
      child.on('message', (answer: Answer) => {
        if (answer.what === 'broken') kernel.fail(new Error(answer.because));
        catchUp();
        for (const listener of this.#listeners) listener(answer);
        stir();
      });
      child.once('error', (error) => kernel.fail(error));
      child.once('exit', this.#end);
      for (const request of this.#waiting.splice(0)) child.send(request);
    });
  }

  listen(listener: (answer: Answer) => void): void {
    this.#listeners.add(listener);
  }

  ask(request: Request): void {
    if (this.#closed) return;
    if (this.#process?.connected) this.#process.send(request);
    else this.#waiting.push(request);
  }

  close(): void {
    this.#closed = true;
    this.#end();
    this.#process?.kill('SIGKILL');
  }
}
