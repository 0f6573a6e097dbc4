/** wireguard-go inside a sandbox: in a namespace, configured by `wg`, and asked by its own socket. */
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import { createConnection } from 'node:net';
import { setTimeout } from 'node:timers/promises';
import { runFolder } from '../../src/emu/sandbox.ts';
import { environment, tool } from '../../src/emu/tools.ts';

/** Runs a program to its end, and returns what it printed. */
export function run(name: string, words: readonly string[], input = ''): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(tool(name), words, { env: environment });
    let said = '';
    let complained = '';
    child.stdout.setEncoding('utf8').on('data', (text) => (said += text));
    child.stderr.setEncoding('utf8').on('data', (text) => (complained += text));
    child.once('error', reject);
    child.once('close', (code) => {
      if (code === 0) resolve(said);
      else reject(new Error(`${name} ${words.join(' ')}: ${complained}`));
    });
    child.stdin.on('error', () => {}); // it ended before it had read all
    child.stdin.end(input);
  });
}

const into = (namespace: string): string => `--net=${runFolder}/netns/${namespace}`;

export const inside = (namespace: string, name: string, words: readonly string[]): ChildProcess =>
  spawn(tool('nsenter'), [into(namespace), tool(name), ...words], { env: environment });

/** What its UAPI says of the only peer (wireguard.com/xplatform). */
export interface Peer {
  readonly endpoint: string | undefined;
  /** 0.0 before the first. */
  readonly lastHandshake: string;
}

export class WireguardGo {
  readonly #namespace: string;
  readonly #name: string;

  constructor(namespace: string, name: string) {
    this.#namespace = namespace;
    this.#name = name;
  }

  /** @param address Of the interface, and of what is beyond the tunnel. */
  async start(address: string, beyond: string): Promise<void> {
    inside(this.#namespace, 'wireguard-go', ['-f', this.#name]);
    while (!existsSync(this.#path)) await setTimeout(10);
    const lines = [
      `addr add ${address}/32 peer ${beyond} dev ${this.#name}`,
      `link set ${this.#name} mtu 1420 up`,
    ];
    await run('ip', ['-n', this.#namespace, '-batch', '-'], `${lines.join('\n')}\n`);
  }

  async configure(text: string): Promise<void> {
    const file = `${runFolder}/${this.#name}.conf`; // what Node gives as stdin cannot be opened by name
    writeFileSync(file, text, { mode: 0o600 });
    await run('nsenter', [into(this.#namespace), tool('wg'), 'setconf', this.#name, file]);
  }

  configuration(): Promise<string> {
    return run('nsenter', [into(this.#namespace), tool('wg'), 'showconf', this.#name]);
  }

  async moveTo(port: number): Promise<void> {
    await this.#ask(`set=1\nlisten_port=${port}\n\n`);
  }

  async peer(): Promise<Peer> {
    const lines = (await this.#ask('get=1\n\n')).split('\n').map((line) => line.split('='));
    const { endpoint, last_handshake_time_sec, last_handshake_time_nsec } =
      Object.fromEntries(lines);
    return { endpoint, lastHandshake: `${last_handshake_time_sec}.${last_handshake_time_nsec}` };
  }

  get #path(): string {
    return `${runFolder}/wireguard/${this.#name}.sock`;
  }

  #ask(question: string): Promise<string> {
    return new Promise((resolve, reject) => {
      const socket = createConnection(this.#path);
      let said = '';
      socket.setEncoding('utf8').on('data', (text) => {
        said += text;
        if (said.endsWith('\n\n')) socket.end();
      });
      socket.once('error', reject);
      socket.once('close', () => {
        if (said.includes('errno=0\n')) resolve(said);
        else reject(new Error(said));
      });
      socket.write(question);
    });
  }
}
