/** In a sandbox: builds a lab of many namespaces, says that it stands, and waits for its end. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { seconds } from '../../src/base/time.ts';
import { nodeCrypto } from '../../src/crypto/node.ts';
import { Emulation } from '../../src/emu/emulation.ts';
import { enterSandbox } from '../../src/emu/sandbox.ts';
import { check } from '../../src/scenario/check.ts';
import { compile } from '../../src/scenario/compile.ts';
import { EventLog } from '../../src/trace/log.ts';

const machines = Number(process.argv[2]);
const text = `
name: many machines
about: One network, and as many machines in it.
tenant:
  sites:
    hq:
      networks: { lan: { subnet: 10.0.10.0/24, gateway: 10.0.10.1 } }
      vms:
        "vm{001..${String(machines).padStart(3, '0')}}": { network: lan, ip: "10.0.10.{11..${10 + machines}}", os: linux }
steps: [{ wait: 1s }]
`;

const began = performance.now();
enterSandbox();
const { cases, problems } = check('many.yaml', () => text);
if (cases === undefined) throw new Error(JSON.stringify(problems));
const backend = new Emulation({
  crypto: nodeCrypto,
  agent: join(import.meta.dirname, '..', '..', 'src', 'emu', 'agent.js'),
  lateness: { policy: 'carry on', limit: seconds(1) },
  eventsMax: 1e6,
});
const entered = performance.now();
await backend.start(compile(cases[0]!), new EventLog('verdicts'));
// What it took of the processors says more than the clock on a machine that others use too.
const ticks = readFileSync('/proc/self/stat', 'utf8').split(') ')[1]!.split(' ').slice(11, 15);
const cpu_s = ticks.reduce((sum, one) => sum + Number(one), 0) / 100;
process.send!({ enters_s: (entered - began) / 1000, cpu_s });
