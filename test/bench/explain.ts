/**
 * How long one explanation takes in a run of a million events whose log nobody has asked anything
 * yet, as one line of JSON: `node dist/test/bench/explain.js [EVENTS]`.
 */
import { seconds } from '../../src/base/time.ts';
import { why } from '../../src/explain/why.ts';
import { ipv4 } from '../../src/wire/address.ts';
import { stand, twoSites } from '../explain/rig.ts';

const events = Number(process.argv[2] ?? 1_000_000);
const sql01 = '10.0.10.20';
const rig = await stand(twoSites());
await rig.failover();
// Through the tunnel, so that the log has all that an explanation has to sort: frames, packets, facts.
const { probes } = rig.lab.network.guest('web01')!;
const order = { probe: 900, to: ipv4(sql01), size: 56, every: seconds(0.0005) };
probes.ping(order, rig.now, rig.lab.fabric);
while (rig.log.length < events) await rig.run(1);
probes.stopPing(900);
rig.lab.powerOff('sp-nea');
const asked = { probe: 901, to: ipv4(sql01), size: 56, every: seconds(1) };
probes.ping(asked, rig.now, rig.lab.fabric);
await rig.run(15);
probes.stopPing(901);
const question = { probe: 901, from: 'web01', to: sql01, at: rig.now };
function timed() {
  const before = process.cpuUsage();
  const began = process.hrtime.bigint();
  const code = why(rig.log, question)?.code;
  const s = Number(process.hrtime.bigint() - began) / 1e9;
  const { user, system } = process.cpuUsage(before);
  return { code, s, cpu_s: (user + system) / 1e6 };
}
const { code, s: run_s, cpu_s } = timed();
const { s: again_s } = timed();
const peakMiB = process.resourceUsage().maxRSS / 1024;
console.log(
  JSON.stringify({
    workload: 'explain',
    events: rig.log.length,
    code,
    run_s,
    cpu_s,
    again_s,
    peakMiB,
  }),
);
