/** A thousand tenants of ten VMs fail over at once, as one line of JSON: `node dist/test/bench/tenants.js 1000 10`. */
import { nodeCrypto } from '../../src/crypto/node.ts';
import { check } from '../../src/scenario/check.ts';
import { play } from '../../src/scenario/play.ts';
import { SimBackend } from '../../src/sim/backend.ts';
import { EventLog } from '../../src/trace/log.ts';
import { expectationsOf } from '../../src/trace/result.ts';
import { manyTenants } from '../support/many-tenants.ts';

const [tenants = 1000, vms = 10] = process.argv.slice(2).map(Number);
const begun = process.hrtime.bigint();
const seconds = (): number => Number(process.hrtime.bigint() - begun) / 1e9;
const { cases } = check('tenants.yaml', () => manyTenants(tenants, vms));
const checked = seconds();
const backend = new SimBackend({ crypto: nodeCrypto });
const { result } = await play(cases![0]!, backend, new EventLog('verdicts'));
const expectations = expectationsOf(result);
console.log(
  JSON.stringify({
    impl: 'standin',
    w: 'TENANTS',
    tenants,
    vms,
    check_s: checked,
    run_s: seconds() - checked,
    simulated_s: result.simulatedTime / 1e9,
    met: expectations.filter(({ verdict }) => verdict === 'met').length,
    isolated: expectations.find(({ text }) => text.startsWith('isolated'))?.detail,
    peakMiB: Number((process.resourceUsage().maxRSS / 1024).toFixed(1)),
  }),
);
