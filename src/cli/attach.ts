/** `standin attach`: plays a case in real time, with the networks that say so joined to real ones. */
import { isIPv4 } from 'node:net';
import { type Duration, nanoseconds } from '../base/time.ts';
import { nodeCrypto } from '../crypto/node.ts';
import { Attached } from '../emu/attached.ts';
import { TooLate } from '../emu/pace.ts';
import type { PacedLab } from '../emu/paced-lab.ts';
import type { UdpAddress } from '../emu/udp.ts';
import type { AttachmentPlan } from '../lab/topology.ts';
import { runsJson } from '../report/json.ts';
import { quoted, runText } from '../report/text.ts';
import { compile } from '../scenario/compile.ts';
import { type Played, play } from '../scenario/play.ts';
import type { Scenario } from '../scenario/scenario.ts';
import { EventLog } from '../trace/log.ts';
import { type RunResult, verdictOfRun } from '../trace/result.ts';
import { showIpv4 } from '../wire/address.ts';
import { vxlanPort } from '../wire/vxlan.ts';
import { exitCodes } from './exit-codes.ts';
import { type LateFlags, latenessOf } from './lateness.ts';
import { type CaseFlags, say, theCase } from './one-case.ts';
import { causeOf, Lacking, plainName, writePrivately } from './output.ts';
import { styleFor } from './style.ts';
import { version } from './version.ts';

export interface AttachFlags extends CaseFlags, LateFlags {
  readonly listen: string;
  readonly out: string;
  readonly eventsMax: number;
}

/** `192.0.2.1` or `192.0.2.1:4789`; undefined where it is neither, or stands for all addresses. */
function listenAddress(text: string): UdpAddress | undefined {
  const [, address = '', number] = /^([\d.]+)(?::(\d{1,5}))?$/.exec(text) ?? [];
  const port = Number(number ?? vxlanPort);
  const isOne = isIPv4(address) && !address.startsWith('0.') && port >= 1 && port <= 65_535;
  return isOne ? { address, port } : undefined;
}

export async function attach(file: string, flags: AttachFlags): Promise<number> {
  const listen = listenAddress(flags.listen);
  const lateness = latenessOf(flags);
  if (listen === undefined) {
    say('--listen must be one address of this machine: 192.0.2.1, or 192.0.2.1:4789');
    return exitCodes.invalid;
  }
  if (lateness === undefined) return exitCodes.invalid;
  const scenario = theCase(file, flags);
  if (scenario === undefined) return exitCodes.invalid;
  const { attachments } = compile(scenario).topology;
  if (attachments.length === 0) {
    say(`no network of ${file} says where it is attached: attach: vxlan://192.0.2.10:4789/42`);
    return exitCodes.invalid;
  }
  const began = process.hrtime.bigint();
  const { eventsMax } = flags;
  const backend = new Attached({ crypto: nodeCrypto, listen, lateness, eventsMax });
  const where = `${listen.address}:${listen.port}`;
  say(`${attachments.map(({ network }) => network).join(', ')}: attached, from ${where}`);
  try {
    const played = await play(scenario, backend, new EventLog('full'));
    const outcome = resultOf(played, backend, attachments);
    const result = { ...outcome, capture: await captured(scenario, played, outcome, flags.out) };
    const realTime = nanoseconds(Number(process.hrtime.bigint() - began));
    process.stdout.write(shown(result, realTime, flags));
    const codes = { met: exitCodes.asExpected, broken: exitCodes.expectationFailed };
    return { ...codes, 'not-checked': exitCodes.incomplete }[verdictOfRun(result)];
  } catch (error) {
    if (error instanceof TooLate) throw new Lacking(`this machine is too slow: ${error.message}`);
    const { syscall } = error as NodeJS.ErrnoException;
    if (syscall === 'bind') throw new Lacking(`cannot listen at ${where}: ${causeOf(error)}`);
    throw error;
  } finally {
    await backend.close();
  }
}

function resultOf(
  { result, lab }: Played,
  { counts }: Attached,
  plans: readonly AttachmentPlan[],
): RunResult {
  const latest = nanoseconds(Math.max(0, Math.round((lab as PacedLab).latest)));
  const attachments = [...counts].map(([network, { in: came, out, dropped }]) => {
    const to = plans.find((plan) => plan.network === network)?.to;
    return {
      network,
      to: to === undefined ? '' : `vxlan://${showIpv4(to.ip)}:${to.port}/${to.vni}`,
      in: came,
      out,
      dropped: [...dropped].map(([code, times]) => ({ code, count: times })),
    };
  });
  const isNews = ({ network, dropped }: (typeof attachments)[number]): boolean =>
    network !== '' || dropped.length > 0;
  const platform = { kernel: 'the real clock', latest };
  return { ...result, platform, attachments: attachments.filter(isNews) };
}

async function captured(
  scenario: Scenario,
  played: Played,
  { attachments = [] }: RunResult,
  folder: string,
): Promise<string> {
  const { captureOf } = await import('./capture.ts');
  const outside = attachments
    .filter(({ network }) => network !== '')
    .map(({ network, to }) => ({ label: `attachment.${network}`, description: to }));
  return writePrivately(folder, `${plainName(scenario)}.pcapng`, captureOf(played, outside));
}

function shown(result: RunResult, realTime: Duration, { json, listen }: AttachFlags): string {
  if (json) return runsJson([{ result, realTime }], { version, realTime });
  const only = result.case === '' ? [] : ['--case', quoted(result.case)];
  const from = ['--listen', quoted(listen)];
  return runText(result, {
    version,
    realTime,
    style: styleFor(process.stdout),
    rerun: ({ file }) => ['standin', 'attach', quoted(file), ...only, ...from].join(' '),
  });
}
