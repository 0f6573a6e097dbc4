/** Results made by hand for the tests of reports, after the mocks of the design. */
import type { Duration, Instant } from '../../src/base/time.ts';
import type {
  ExpectationResult,
  FindingResult,
  RunResult,
  TimedResult,
} from '../../src/trace/result.ts';

const at = (seconds: number): Instant => Math.round(seconds * 1e9) as Instant;
export const ms = (n: number): Duration => (n * 1e6) as Duration;

const met: ExpectationResult = {
  text: 'ping web01 -> sql01',
  line: 30,
  column: 9,
  verdict: 'met',
  detail: 'answered after 0.412 ms',
  at: at(0.000412),
  hops: [
    { where: 'web01', in: '', out: 'eth0', what: 'echo request to 10.0.10.20', at: at(0) },
    {
      where: 'lan10',
      in: 'port1',
      out: 'port3',
      what: 'MAC 00:50:56:01:00:20 learned on port3',
      at: at(0.0001),
    },
    { where: 'sql01', in: 'eth0', out: '', what: 'answered', at: at(0.000206) },
  ],
};

const stale: ExpectationResult = {
  text: 'ping web01 -> sql01 within 3s',
  line: 6,
  column: 11,
  verdict: 'broken',
  detail: 'no reply in 3 s (3 sent, 0 received)',
  at: at(34.2),
  code: 'STALE_ARP',
  hops: [
    {
      where: 'web01',
      in: '',
      out: 'eth0',
      what: 'ARP cache: 10.0.10.20 is 00:50:56:01:00:20',
      at: at(31.2),
    },
    {
      where: 'esx1',
      in: 'port3',
      out: '',
      what: 'port is down (VM powered off at 31.2 s)',
      at: at(31.201),
      dropped: true,
    },
  ],
  why: "web01 still holds the original's MAC; no gratuitous ARP was sent.",
  remedy: 'appliances.nea-hq.gratuitous_arp: both, or within: 60s',
};

export const planned: RunResult = {
  file: 'scenarios/05-planned.yaml',
  name: 'planned failover',
  about: 'sql01 moves while web01 talks to it.',
  case: '',
  seed: 7,
  simulatedTime: at(95),
  events: 1234,
  findings: [],
  capture: 'standin-out/05-planned.pcapng',
  steps: [
    {
      number: 1,
      title: 'before the disaster',
      line: 28,
      at: at(0),
      happened: [],
      expectations: [met],
    },
    {
      number: 2,
      title: 'failover sql01',
      line: 4,
      at: at(31.2),
      happened: [
        { kind: 'note', text: 'restore point: latest' },
        { kind: 'warning', text: 'no static IP address', code: 'NO_STATIC_IP_DETECTED' },
        { kind: 'success', text: 'failover of sql01' },
      ],
      expectations: [
        stale,
        {
          text: 'ping web01 -> 10.0.10.30',
          line: 7,
          column: 9,
          verdict: 'met',
          detail: '',
          at: at(40),
          code: 'DHCP_NO_STATIC_IP',
          fails: 'DHCP_NO_STATIC_IP',
        },
        {
          text: 'tcp web01 -> sql01:1433',
          line: 8,
          column: 9,
          verdict: 'not-checked',
          detail: 'the run ended before its deadline',
          at: at(95),
        },
      ],
    },
  ],
};

export const source = [
  'steps:',
  '  - expect:',
  '      - ping: web01 -> sql01',
  '  - failover: { vms: [sql01], planned: true }',
  '  - expect:',
  '      - { ping: web01 -> sql01, within: 3s }',
];

const good = (
  file: string,
  name: string,
  expectations: readonly ExpectationResult[],
): RunResult => ({
  file,
  name,
  about: '',
  case: '',
  seed: 7,
  simulatedTime: at(1200),
  events: 100,
  findings: [],
  steps: [{ number: 1, title: 'all', line: 9, at: at(0), happened: [], expectations }],
});

export const passing = good('scenarios/01-partial-static.yaml', 'partial static', [met, met]);
export const limited: RunResult = {
  ...good('scenarios/02-partial-dhcp.yaml', 'partial dhcp', [
    { ...met, fails: 'DHCP_NO_STATIC_IP', code: 'DHCP_NO_STATIC_IP' },
  ]),
  case: 'lease=valid',
};
export const idle = good('scenarios/09-idle.yaml', 'idle', []);

export const timed = (result: RunResult, time: number): TimedResult => ({
  result,
  realTime: ms(time),
});

export const finding = (
  verdict: FindingResult['verdict'],
  text: string,
  step: number,
): FindingResult => ({
  invariant: 'two_answers',
  text,
  code: 'DUPLICATE_ADDRESS',
  at: at(20),
  count: step + 1,
  step,
  events: [7],
  verdict,
});

/** Names and texts by one text, wherever they can come from outside. */
export function everywhere(text: string): RunResult {
  return {
    ...planned,
    file: text,
    name: text,
    about: text,
    case: text,
    capture: text,
    brokenOff: 'BUDGET_EXCEEDED',
    brokenOffBy: text,
    findings: [
      finding('broken', text, 2),
      finding('expected', text, 1),
      finding('warned', text, 0),
    ],
    watched: [{ flow: text, vm: text, sent: 9, answered: 0, outages: [] }],
    steps: planned.steps.map((step) => ({
      ...step,
      title: text,
      happened: [{ kind: 'note', text }],
      expectations: step.expectations.map((one) => ({
        ...one,
        text,
        detail: text,
        why: text,
        remedy: text,
        change: { text, file: text, line: 3, column: 5 },
        hops: [{ where: text, in: text, out: text, what: text, at: one.at }],
      })),
    })),
  };
}

/** What somebody might call a machine. */
export const hostile = [
  ']]>',
  '<failure/>',
  '"><script>alert(1)</script>',
  "' onload='",
  '&amp;&#0;&x;',
  '\0\x01\x08\x0b\x1b[31m\x7f\x85\x9b',
  'a\tb\nc\rd',
  '\ud800x\udfff\ufffe\uffff',
  '<!--',
  '<?xml?>',
  '\u2028\u2029\u202e',
  '::error::pwned',
  '\n::error::pwned',
  '##[error]pwned',
  '%0A::stop-commands::pwned%0D%25,title=pwned',
  'a::b:c,d',
  '`` ` ```',
  '```mermaid',
  '|a|b|\n|-|-|',
  '[click](javascript:alert(1))',
  '![x](https://x.example)',
  '<img src=x onerror=alert(1)>',
  '</code></summary>',
  '@someone https://x.example www.x.example a@b.example',
  '**a** __b__ _c_ ~~d~~ $e$ :f:',
  '# SKIP TODO',
  'not ok 1 - x {',
  '1..0 # SKIP',
  '---\n...\n- a: b',
  'Bail out!',
  '#35; ; wrap: end',
  '{0} {{x}} \\ $& $1',
  '%%{init: {}}%%',
  '../../etc/passwd',
  'C:\\x',
  'http://x.example/y',
  'a#b?c',
  'é 漢字 🙂 \u200d',
];
