import test from 'ava';
import { seconds } from '../../src/base/time.ts';
import { check } from '../../src/scenario/check.ts';
import type { Load } from '../../src/scenario/extend.ts';
import type { Place } from '../../src/scenario/place.ts';
import { nearest, type Problem, renderProblem, renderSummary } from '../../src/scenario/problem.ts';
import type { Probe, Step } from '../../src/scenario/scenario.ts';
import {
  parseDuration,
  parseFlow,
  parsePercent,
  parsePool,
  parsePort,
  parseRate,
  Wrong,
} from '../../src/scenario/units.ts';
import { holds } from '../../src/scenario/when.ts';
import { ipv4, prefix } from '../../src/wire/address.ts';
import { checkFiles, checkText, found, from, onlyCase, scenario, shipped } from './memory.ts';

// What the shipped files say

test('the shipped scenarios have no errors, and no warnings but of what they show, also in strict mode', (t) => {
  const roots = Object.keys(shipped);
  t.true(roots.length >= 3);
  for (const root of roots) {
    const files = { [root]: shipped[root]!, ...shipped };
    const codes = checkFiles(files, { strict: true }).problems.map(({ code }) => code);
    t.deepEqual(codes, root.endsWith('/27-shared-vlan.yaml') ? ['W321'] : [], root);
  }
});

test('01: everything that the file says arrives, with its defaults and places', (t) => {
  const path = 'scenarios/01-partial-static.yaml';
  const one = onlyCase(checkFiles({ [path]: shipped[path]! }));
  t.is(one.case, '');
  t.is(one.seed, 7);
  t.deepEqual(one.tags, ['partial', 'static', 'smoke']);
  t.is((one.about.match(/\.( |$)/g) ?? []).length, 2, 'two sentences');
  const [site] = one.tenants[0]!.sites;
  t.deepEqual(site!.networks[0]!.subnet, prefix('10.0.10.0/24'));
  t.is(site!.networks[0]!.mtu, 1500);
  const [web, sql] = site!.vms;
  t.is(web!.ip, ipv4('10.0.10.11'));
  t.is(web!.gateway, ipv4('10.0.10.1'));
  t.is(sql!.os, 'windows');
  t.deepEqual(sql!.listen, [{ protocol: 'tcp', port: 1433 }]);
  t.is(sql!.boot, one.timings.bootWindows);
  t.is(web!.boot, one.timings.bootLinux);
  const lines = shipped[path]!.split('\n');
  const sqlLine = lines.findIndex((line) => line.includes('sql01: {')) + 1;
  t.deepEqual(sql!.place, { file: path, line: sqlLine, column: 9, length: 5 });
  t.is(one.tenants[0]!.plans[0]!.networks[0]!.vlan, 112);
  t.deepEqual(
    one.tenants[0]!.jobs[0]!.mapping.map(({ from: a, to }) => [a.name, to.name]),
    [['lan10', 'plan10']],
  );
  t.deepEqual(
    one.steps.map(({ kind, title, number }) => [number, kind, title]),
    [
      [1, 'expect', 'before the disaster'],
      [2, 'fault', 'fault: sql01 loses power'],
      [3, 'failover', 'failover: sql01 to its latest restore point'],
      [4, 'expect', 'the replica stands in'],
      [5, 'expect', 'whoever asks, and whichever way'],
      [6, 'expect', 'what everybody believes'],
      [7, 'expect', 'what the appliance never says, and which doors the tunnel takes'],
      [8, 'undo', 'undo failover: sql01'],
      [9, 'fault', 'fault: sql01 is switched on'],
      [10, 'wait', 'wait 60s'],
      [11, 'expect', 'after the way back'],
    ],
  );
  const probes = probesOf(one.steps[3]);
  t.deepEqual(
    probes.map((probe) => probe.kind),
    ['operation', 'state', 'ping', 'tcp', 'ping', 'arp', 'capture', 'outage'],
  );
  const ping = probes[2]!;
  if (ping.kind !== 'ping') return t.fail();
  t.is(ping.title, 'ping web01 -> sql01 via nea-hq, gw1, sp-nea within 3s');
  t.deepEqual(
    ping.via!.map((stop) => [stop.kind, 'name' in stop && stop.name]),
    [
      ['appliance', 'nea-hq'],
      ['gateway', 'gw1'],
      ['provider-appliance', 'sp-nea'],
    ],
  );
  t.is(lines[ping.place.line - 1]!.slice(ping.place.column - 1).slice(0, 5), 'ping:');
  const toGateway = probes[4]!;
  if (toGateway.kind !== 'ping') return t.fail();
  t.like(toGateway.flow.to, { kind: 'router', site: 'hq', network: undefined });
});

const probesOf = (step: Step | undefined): readonly Probe[] =>
  step?.kind === 'expect' ? step.probes : [];

test('02: a matrix with an exclusion makes three cases, and values know the file they came from', (t) => {
  const path = 'scenarios/02-partial-dhcp.yaml';
  const { cases } = checkFiles({ [path]: shipped[path]!, ...shipped });
  t.deepEqual(
    cases!.map((one) => one.case),
    ['lease=valid plan_dhcp=none', 'lease=valid plan_dhcp=foreign', 'lease=expired plan_dhcp=none'],
  );
  const [first, second, third] = cases!;
  const sql = (i: typeof first) =>
    i!.tenants[0]!.sites[0]!.vms.find(({ name }) => name === 'sql01')!;
  t.deepEqual([sql(first).lease, sql(third).lease], ['valid', 'expired']);
  t.is(sql(first).ip, 'dhcp');
  t.is(sql(first).os, 'windows', 'from the file that is extended');
  t.is(second!.tenants[0]!.plans[0]!.networks[0]!.dhcp, 'foreign');
  t.is(first!.steps.length, 6, 'the steps of the other file are replaced');
  t.is(first!.tenants[0]!.sites[0]!.vms[0]!.place.file, 'scenarios/01-partial-static.yaml');
  t.is(sql(first).place.file, path);
  const predict = first!.steps[3]!;
  t.like(predict, { kind: 'predict', choices: ['yes', 'no'], answer: 'no' });
});

test('03: a range of keys takes its length from the matrix, and `when` picks the steps', (t) => {
  const path = 'scenarios/17-vcd-networks.yaml';
  const { cases } = checkFiles({ [path]: shipped[path]! });
  const [nine, ten] = cases!;
  t.is(nine!.tenants[0]!.plans[0]!.networks.length, 9);
  t.is(ten!.tenants[0]!.plans[0]!.networks.at(-1)!.name, 'net10');
  t.is(ten!.tenants[0]!.plans[0]!.networks[0]!.name, 'net01');
  t.is(nine!.tenants[0]!.plans[0]!.kind, 'org-vdc');
  t.deepEqual(
    [nine!.steps.map((s) => s.number), ten!.steps.map((s) => s.number)],
    [
      [1, 2, 3],
      [2, 4],
    ],
  );
});

// How it is said

const at = (file: string, line: number, column: number, length: number): Place => ({
  file,
  line,
  column,
  length,
});
const blank: Omit<Problem, keyof Place | 'code' | 'message' | 'severity'> = {
  hint: undefined,
  excerpt: [],
  includedFrom: [],
  inCase: undefined,
};

test('problems look like the mock in ux.md 3.3', (t) => {
  // The columns of the mock's own excerpt; its "11:7" does not fit the line that it shows.
  const unknownStep: Problem = {
    ...at('scenarios/07.yaml', 11, 5, 7),
    ...blank,
    code: 'E104',
    severity: 'error',
    message: 'unknown step "failovr"',
    hint: 'did you mean "failover"?',
    excerpt: [
      { line: 10, text: '  - wait: 5s' },
      { line: 11, text: '  - failovr: { vms: [sql01] }' },
    ],
  };
  t.is(
    renderProblem(unknownStep),
    ` scenarios/07.yaml:11:5  error  unknown step "failovr"                        [E104]
     10 |   - wait: 5s
   > 11 |   - failovr: { vms: [sql01] }
        |     ^^^^^^^ did you mean "failover"?`,
  );
  t.is(
    renderProblem({
      ...at('scenarios/07.yaml', 6, 34, 11),
      ...blank,
      code: 'E201',
      severity: 'error',
      message: '10.0.10.300 is not an IPv4 address',
    }),
    ' scenarios/07.yaml:6:34  error  10.0.10.300 is not an IPv4 address            [E201]',
  );
  const noNea: Problem = {
    ...at('base/two-sites.yaml', 14, 9, 5),
    ...blank,
    code: 'W310',
    severity: 'warning',
    message:
      'lan20 has VMs but no tenant appliance; a partial failover of db02 will only warn (reason NO_NEA)',
    includedFrom: [at('scenarios/07.yaml', 3, 10, 5)],
  };
  t.is(
    renderProblem(noNea),
    ` base/two-sites.yaml:14:9  warning  lan20 has VMs but no tenant appliance; a partial
        failover of db02 will only warn (reason NO_NEA)                       [W310]
        included from scenarios/07.yaml:3`,
  );
  t.is(
    renderSummary([unknownStep, unknownStep, noNea], 1, 2),
    ' 2 errors, 1 warning in 1 file                                                 exit 2',
  );
});

test('a file with several mistakes reports them all, also in the file that it extends', (t) => {
  const files = {
    'scenarios/07.yaml': `name: seven
extends: ./base/two-sites.yaml
tenant:
  sites:
    hq: { vms: { web01: { network: lan10, ip: 10.0.10.300 } } }
steps:
  - wait: 5s
  - failovr: { vms: [sql01] }
  - expect: [{ ping: web01 -> db02 }]
`,
    'scenarios/base/two-sites.yaml': `name: two sites
tenant:
  sites:
    hq:
      networks: { lan10: { subnet: 10.0.10.0/24 } }
    branch:
      networks:
        lan20: { subnet: 10.0.20.0/24 }
      vms:
        db02: { network: lan20, ip: 10.0.20.5 }
provider:
  gateways: { gw1: { public_ip: 203.0.113.10 } }
  hardware_plan: { networks: { plan20: {} } }
replication:
  job1: { vms: [db02], network_mapping: { lan20: plan20 } }
`,
  };
  const { problems, cases } = checkFiles(files);
  t.is(cases, undefined);
  t.is(
    problems.map(renderProblem).join('\n'),
    ` scenarios/07.yaml:5:47  error  10.0.10.300 is not an IPv4 address            [E201]
      4 |   sites:
   >  5 |     hq: { vms: { web01: { network: lan10, ip: 10.0.10.300 } } }
        |                                               ^^^^^^^^^^^ four numbers from 0 to 255, such as 10.0.10.20
 scenarios/07.yaml:8:5  error  unknown step "failovr"                         [E104]
      7 |   - wait: 5s
   >  8 |   - failovr: { vms: [sql01] }
        |     ^^^^^^^ did you mean "failover"?
 scenarios/base/two-sites.yaml:8:9  warning  lan20 has VMs but no tenant appliance;
        a partial failover of db02 will only warn (reason NO_NEA)             [W310]
      7 |       networks:
   >  8 |         lan20: { subnet: 10.0.20.0/24 }
        |         ^^^^^
        included from scenarios/07.yaml:2`,
  );
});

test('what is shown of a file cannot steer a terminal, and a long line is cut around its mistake', (t) => {
  const name = `"${'x'.repeat(300)}"`;
  const text = scenario({ tags: `[${name}, "\\e[31mred\\u202e"]` });
  const shown = checkText(text).problems.map(renderProblem).join('\n');
  t.notRegex(shown.replaceAll('\n', ''), /[\p{Cc}\u202e]/u);
  t.true(shown.split('\n').every((line) => line.length < 220));
  const lines = found(text);
  t.is(lines.length, 2);
});

test('a problem of one case only says in which', (t) => {
  const text = scenario({
    matrix: '{ net: [lan10, lan11] }',
    replication: `\n  job1: { vms: [sql01], network_mapping: { "\${net}": plan10 } }`,
  });
  const { problems } = checkText(text);
  const unknown = problems.find(({ code }) => code === 'E301')!;
  t.is(unknown.inCase, 'net=lan11');
  t.regex(renderProblem(unknown), /in the case net=lan11/);
});

test('there is an end to the list of problems, and it says so', (t) => {
  const steps = Array.from({ length: 400 }, (_, i) => `\n  - wait: ${i}`).join('');
  const { problems } = checkText(scenario({ steps }));
  t.is(problems.length, 200);
  t.true(problems.some(({ code }) => code === 'E119'));
});

test('the nearest known word is suggested, and nothing is if none is near', (t) => {
  const words = ['failover', 'fault', 'wait', 'expect'];
  t.is(nearest('failovr', words), 'failover');
  t.is(nearest('failvoer', words), 'failover', 'two letters swapped');
  t.is(nearest('Wait', words), 'wait');
  t.is(nearest('ping', words), undefined);
  t.is(nearest('x'.repeat(1000), words), undefined);
});

// Single values

test('units: what is written is what is meant', (t) => {
  t.is(parseDuration('5s'), seconds(5));
  t.is(parseDuration('20ms'), seconds(0.02));
  t.is(parseDuration('1h30m'), seconds(5400));
  t.is(parseDuration('0.5s'), seconds(0.5));
  t.is(parseRate('100Mbit'), 100_000_000);
  t.is(parseRate('1.5Gbit'), 1_500_000_000);
  t.is(parsePercent('2.5%'), 0.025);
  t.deepEqual(parsePort('tcp/1433'), { protocol: 'tcp', port: 1433 });
  t.deepEqual(parsePool('10.0.10.20-10.0.10.60'), {
    first: ipv4('10.0.10.20'),
    last: ipv4('10.0.10.60'),
  });
  t.like(parseFlow('web01 -> sql01:1433'), {
    from: { kind: 'name', text: 'web01' },
    to: { kind: 'name', text: 'sql01', at: 9 },
    port: 1433,
  });
  t.like(parseFlow('web01->10.0.10.20'), { to: { ip: ipv4('10.0.10.20') }, port: undefined });
  t.like(parseFlow('sql01 -> hq.gateway'), { to: { kind: 'gateway', text: 'hq.gateway' } });
});

const wrongUnits: Record<string, [(text: string) => unknown, string[]]> = {
  duration: [
    parseDuration,
    ['5', '', '5 s', '-5s', '1e9s', '5S', '5m5', 's', '31d', 'NaN', '1e308', '9999999999s'],
  ],
  rate: [parseRate, ['100', '100mbit', '0bit', '-1bit', '500Gbit', '1e3bit', 'bit']],
  percent: [parsePercent, ['1', '101%', '-1%', '%', '1e1%']],
  port: [parsePort, ['tcp', 'tcp/0', 'tcp/65536', 'tcp/080', 'icmp/1', 'tcp/1/2', 'tcp/-1']],
  pool: [
    parsePool,
    [
      '10.0.0.1',
      '10.0.0.2-10.0.0.1',
      '10.0.0.1-10.0.0.2-10.0.0.3',
      '0.0.0.0-255.255.255.255',
      'a-b',
    ],
  ],
  flow: [
    parseFlow,
    [
      '',
      'web01',
      'web01 ->',
      '-> sql01',
      'a -> b -> c',
      'a => b',
      '10.0.0.1 -> b',
      'a -> 256.1.1.1',
      'a -> b:',
      'a -> b:0',
      'a -> b:65536',
      'a->b c',
      'a -> b.eth0',
    ],
  ],
};

for (const [unit, [parse, texts]] of Object.entries(wrongUnits)) {
  test(`units: what is no ${unit} is refused`, (t) => {
    for (const text of texts) t.true(parse(text) instanceof Wrong, text);
  });
}

test('a bare number is told which unit it lacks', (t) => {
  const { problems } = checkText(scenario({ steps: '\n  - wait: 5' }));
  t.like(problems[0], { code: 'E204', message: '5 needs a unit', hint: 'write "5s" or "5ms"' });
});

test('`when` compares numbers by size and words by being the same', (t) => {
  t.is(holds(9, '<=', '9'), true);
  t.is(holds(10, '<=', '9'), false);
  t.is(holds(10, '>', '9'), true, 'not as words, where "10" comes first');
  t.is(holds(9, '==', '9.0'), true, 'as numbers, where both are');
  t.is(holds('none', '==', 'none'), true);
  t.is(holds('none', '!=', 'foreign'), true);
  t.is(holds(true, '==', 'true'), true);
  t.is(holds('none', '<', 'some'), undefined);
  t.is(holds(3, '>=', '3.0'), true);
});

// extends

const base = scenario();

test('extends merges maps by key and replaces everything else', (t) => {
  const files = {
    'scenarios/a.yaml': `extends: b.yaml
name: upper
tenant: { sites: { hq: { vms: { sql01: { ip: 10.0.10.21, listen: [udp/53] }, app01: { network: lan10, ip: 10.0.10.30 } } } } }
steps:
  - expect: [{ ping: web01 -> app01 }]
`,
    'scenarios/b.yaml': base,
  };
  const one = onlyCase(checkFiles(files));
  t.is(one.name, 'upper');
  const [web, sql, app] = one.tenants[0]!.sites[0]!.vms;
  t.deepEqual([web!.name, sql!.name, app!.name], ['web01', 'sql01', 'app01']);
  t.is(sql!.ip, ipv4('10.0.10.21'));
  t.is(sql!.os, 'windows');
  t.is(one.steps.length, 1);
  t.is(web!.place.file, 'scenarios/b.yaml');
  t.is(app!.place.file, 'scenarios/a.yaml');
});

test('extends reaches over several files, but not in a circle', (t) => {
  const chain = Object.fromEntries([
    ...Array.from({ length: 5 }, (_, i) => [
      `s/${i}.yaml`,
      `extends: ./${i + 1}.yaml\nseed: ${i}\n`,
    ]),
    ['s/5.yaml', base],
  ]);
  t.is(onlyCase(checkFiles(chain)).seed, 0);
  const self = checkFiles({ 'a.yaml': 'extends: ./a.yaml\n' });
  t.like(self.problems[0], { code: 'E110', line: 1, column: 10 });
  const round = checkFiles({ 'a.yaml': 'extends: b.yaml\n', 'b.yaml': 'extends: ./a.yaml\n' });
  t.like(round.problems[0], { code: 'E110', file: 'b.yaml', line: 1 });
  t.regex(round.problems[0]!.message, /a\.yaml -> b\.yaml -> a\.yaml/);
  t.deepEqual(round.problems[0]!.includedFrom, [at('a.yaml', 1, 10, 6)]);
  const long = Object.fromEntries(
    Array.from({ length: 12 }, (_, i) => [`${i}.yaml`, `extends: ${i + 1}.yaml\n`]),
  );
  t.is(checkFiles(long).problems[0]!.code, 'E110');
});

test('extends stays below the folder of the file, or below `scenarios`', (t) => {
  const loaded: string[] = [];
  const tried = (root: string, target: string): string => {
    loaded.length = 0;
    const files: Record<string, string> = { [root]: `extends: ${JSON.stringify(target)}\n` };
    const load = from(files);
    const checked = checkFilesLoading(root, (path) => {
      loaded.push(path);
      return load(path);
    });
    return checked ?? loaded[1]!;
  };
  t.is(tried('scenarios/limits/02.yaml', '../01.yaml'), 'scenarios/01.yaml');
  t.is(tried('scenarios/02.yaml', './base/01.yaml'), 'scenarios/base/01.yaml');
  t.is(tried('/home/u/scenarios/x/02.yaml', '../01.yaml'), '/home/u/scenarios/01.yaml');
  t.is(tried('02.yaml', './a/../01.yaml'), '01.yaml');
  t.is(tried('./02.yaml', '01.yaml'), './01.yaml');
  const outside: [string, string][] = [
    ['scenarios/02.yaml', '../01.yaml'],
    ['scenarios/limits/02.yaml', '../../01.yaml'],
    ['scenarios/limits/02.yaml', '../../scenarios-evil/01.yaml'],
    ['02.yaml', '../01.yaml'],
    ['./02.yaml', '../01.yaml'],
    ['../02.yaml', '../01.yaml'],
    ['x/02.yaml', '/etc/passwd.yaml'],
    ['x/02.yaml', 'a/../../01.yaml'],
    ['x/02.yaml', '\\\\host\\x.yaml'],
    ['x/02.yaml', 'file:///x.yaml'],
    ['x/02.yaml', 'C:/x.yaml'],
    ['x/02.yaml', '~/x.yaml'],
    ['x/02.yaml', './passwd'],
    ['x/02.yaml', './\u0000.yaml'],
    ['x/02.yaml', '/dev/zero'],
  ];
  for (const [root, target] of outside) {
    t.regex(tried(root, target), /^E217|^E216/, `${root} ${target}`);
    t.is(loaded.length, 1, 'nothing else was read');
  }
});

function checkFilesLoading(root: string, load: Load): string | undefined {
  const { problems } = check(root, load);
  const [first] = problems;
  return first?.code === 'E110' ? undefined : first?.code;
}

// matrix

const cases = (matrix: string): readonly string[] =>
  checkText(scenario({ matrix })).cases?.map((one) => one.case) ?? ['refused'];

test('a matrix makes every combination, in the order in which it is written', (t) => {
  t.deepEqual(cases('{ a: [1, 2], b: [x, y] }'), ['a=1 b=x', 'a=1 b=y', 'a=2 b=x', 'a=2 b=y']);
  t.deepEqual(cases('{ a: [1, 2], b: [x, y], exclude: [{ a: 1 }] }'), ['a=2 b=x', 'a=2 b=y']);
  t.deepEqual(cases('{ a: [1, 2], exclude: [{ a: 1 }, { a: 2 }] }'), ['refused']);
  t.deepEqual(cases('{ a: [1, 1] }'), ['a=1'], 'the same case twice is one');
});

test('include adds to the cases it fits, or makes a case of its own (the example of GitHub)', (t) => {
  // docs.github.com, "Using a matrix for your jobs", "Expanding or adding matrix configurations"
  const matrix = `
  fruit: [apple, pear]
  animal: [cat, dog]
  include:
    - { color: green }
    - { color: pink, animal: cat }
    - { fruit: apple, shape: circle }
    - { fruit: banana }
    - { fruit: banana, animal: cat }`;
  t.deepEqual(cases(matrix), [
    'fruit=apple animal=cat color=pink shape=circle',
    'fruit=apple animal=dog color=green shape=circle',
    'fruit=pear animal=cat color=pink',
    'fruit=pear animal=dog color=green',
    'fruit=banana',
    'fruit=banana animal=cat',
  ]);
});

test('a matrix has bounds', (t) => {
  const many = Array.from({ length: 17 }, (_, i) => i).join(', ');
  t.deepEqual(cases(`{ a: [${many}], b: [${many}] }`), ['refused']);
  t.deepEqual(cases('{ a: [] }'), ['refused']);
  t.deepEqual(cases('{}'), ['refused']);
  t.deepEqual(cases('{ A: [1] }'), ['refused']);
  t.deepEqual(cases(`{ a: ["\${b}"] }`), ['refused']);
});

// Variables and ranges

test('a variable alone keeps its type, one among other text is text, and `$$` is a dollar', (t) => {
  const text = scenario({
    matrix: '{ points: [3], off: [false], text: ["3"] }',
    name: `costs $\${x} or \${points}`,
    replication: `
  job1: { vms: [sql01], network_mapping: { lan10: plan10 }, restore_points: "\${points}" }`,
    tunnel: `{ pmtud: "\${off}", mtu: "1\${points}00", keepalive: "\${text}s" }`,
  });
  const { cases: all, problems } = checkText(text);
  t.deepEqual(problems, []);
  const [one] = all!;
  t.is(one!.name, `costs \${x} or 3`);
  t.is(one!.tenants[0]!.jobs[0]!.restorePoints, 3);
  t.is(one!.tunnel.pmtud, false);
  t.is(one!.tunnel.mtu, 1300);
  t.is(one!.tunnel.keepalive, seconds(3));
});

test('a variable may have a default, and must otherwise be known', (t) => {
  const matrix = '{ a: [1], include: [{ a: 1, b: here }, { a: 2 }] }';
  const names = checkText(scenario({ matrix, name: `"\${a} \${b:-not here}"` })).cases;
  t.deepEqual(
    names?.map((one) => one.name),
    ['1 here', '2 not here'],
  );
  const text = scenario({ name: `x \${lease} y`, about: `\${`, seed: `"\${A}"` });
  t.deepEqual(found(text), [`E112 1:9 \${lease}`, `E112 21:8 \${`, `E112 22:8 \${A}`]);
});

test('a range of keys unfolds, and what is said of one of them alone goes first', (t) => {
  const provider = `
  gateways: { gw1: { public_ip: 203.0.113.10 } }
  org_vdc:
    networks:
      "net{08..11}": { type: isolated, dhcp: foreign }
      net09: { type: routed }`;
  const replication = '\n  job1: { vms: [sql01], network_mapping: { lan10: net08 } }';
  const one = onlyCase(checkText(scenario({ provider, replication })));
  t.deepEqual(
    one.tenants[0]!.plans[0]!.networks.map(({ name, type, dhcp }) => `${name} ${type} ${dhcp}`),
    [
      'net08 isolated foreign',
      'net09 routed foreign',
      'net10 isolated foreign',
      'net11 isolated foreign',
    ],
  );
  for (const range of ['net{5..4}', 'net{1..5000}', 'net{a..b}', 'net{1..2}{1..2}']) {
    t.true(
      found(scenario({ provider: provider.replace('net{08..11}', range) })).some((line) =>
        /^E113 \d+:7 /.test(line),
      ),
      range,
    );
  }
});

test('`when` needs a variable that exists, and numbers where it compares sizes', (t) => {
  const steps = (when: string) => `\n  - when: ${when}\n    expect: [{ ping: web01 -> sql01 }]`;
  const matrix = '{ lease: [valid, expired], n: [1, 2] }';
  const tried = (when: string) =>
    found(scenario({ matrix, steps: steps(when), about: `\${n} \${lease}` }));
  t.deepEqual(
    tried('lease == valid').filter((line) => line.startsWith('E')),
    [],
  );
  t.regex(tried('leese == valid').join(), /E114 \d+:11 leese == valid/);
  t.regex(tried('lease > valid').join(), /E114/);
  t.regex(tried('lease = valid').join(), /E114/);
  t.regex(tried('lease == valid and n == 1').join(), /E114/);
  t.regex(tried('n > 2').join(), /W313/);
});

// What things mean together

/** What is written over the small scenario, and what must be found. `^` marks nothing: exact text. */
const meanings: Record<string, [Record<string, string>, string[]]> = {
  'a network that does not exist': [
    { replication: '\n  job1: { vms: [sql01], network_mapping: { lan11: plan10 } }' },
    ['W315 sql01', 'E301 lan11'],
  ],
  'a network of the provider that does not exist': [
    { replication: '\n  job1: { vms: [sql01], network_mapping: { lan10: plan1 } }' },
    ['E312 plan1'],
  ],
  'a VM that does not exist': [
    { steps: '\n  - failover: { vms: [sql1] }\n  - expect: [{ ping: web01 -> sql01 }]' },
    ['E302 sql1'],
  ],
  'a machine that does not exist': [
    { steps: '\n  - expect: [{ ping: web01 -> sql02 }]' },
    ['E303 sql02'],
  ],
  'a network where a machine is wanted': [
    { steps: '\n  - expect: [{ ping: web01 -> lan10 }]' },
    ['E303 lan10'],
  ],
  'a flow from a machine to itself': [
    { steps: '\n  - expect: [{ ping: web01 -> web01 }]' },
    ['E318 web01 -> web01'],
  ],
  'a gateway of a site that has none': [
    { steps: '\n  - expect: [{ ping: web01 -> dr.gateway }]' },
    ['E303 dr.gateway'],
  ],
  'a reason in another writing': [
    { steps: '\n  - expect: [{ ping: web01 -> sql01, fails: dhcp_no_static_ip }]' },
    ['E212 dhcp_no_static_ip'],
  ],
  'a failure that says where it ends, but not that it fails': [
    { steps: '\n  - expect: [{ ping: web01 -> sql01, last_hop: web01 }]' },
    ['E310 web01'],
  ],
  'a failover of a VM without a replica': [
    { steps: '\n  - failover: { vms: [web01] }\n  - expect: [{ ping: web01 -> sql01 }]' },
    ['W319 web01'],
  ],
  'the same, where it is meant': [
    {
      steps:
        '\n  - failover: { vms: [web01] }\n  - expect: [{ operation: failed, because: NO_REPLICA }]',
    },
    [],
  ],
  'nothing is checked': [{ steps: '\n  - wait: 5s' }, ['W314 -']],
};

for (const [title, [changes, expected]] of Object.entries(meanings)) {
  test(`meaning: ${title}`, (t) => {
    const text = scenario(changes);
    t.deepEqual(
      found(text).map((line) => line.replace(/ \d+:\d+/, '')),
      expected,
    );
  });
}

const tenant = (networks: string, vms: string, more = ''): Record<string, string> => ({
  tenant: `
  sites:
    hq:
      networks: { ${networks} }
      vms: { ${vms} }${more}`,
  provider: '\n  gateways: {}',
  replication: '{}',
  steps: '\n  - expect: [{ ping: web01 -> sql01 }]',
});
const lan = 'lan10: { subnet: 10.0.10.0/24, gateway: 10.0.10.1 }';
const web = 'web01: { network: lan10, ip: 10.0.10.11 }';
const sql = 'sql01: { network: lan10, ip: 10.0.10.20 }';
/** Two networks, `dhcp01` in the second, and a server for the first. */
const served = (ip: string, server: string, relay: string, gateway = '') =>
  tenant(
    `${lan}, lan20: { subnet: 10.0.20.0/24${gateway} }`,
    `${web}, ${sql}, dhcp01: { network: lan20, ip: ${ip} }`,
    `\n      dhcp: { network: lan10, server: ${server}, pool: 10.0.10.30-10.0.10.60${relay} }`,
  );

/** The replica of `sql01` in an organization VDC that is reached without appliances. */
const edged = (connectivity: string, type: string, edge = '') => ({
  ...tenant(lan, `${web}, ${sql.replace(' }', ', os: windows }')}`, edge),
  provider: `
  gateways: { gw1: { public_ip: 203.0.113.10 } }
  org_vdc: { connectivity: ${connectivity}, networks: { net01: { type: ${type} } } }`,
  replication: '\n  job1: { vms: [sql01], network_mapping: { lan10: net01 } }',
});

const addressTable: Record<string, [Record<string, string>, string[]]> = {
  'a small scenario without a mistake': [tenant(lan, `${web}, ${sql}`), []],
  'an address outside of its subnet': [
    tenant(lan, `${web}, ${sql.replace('10.20', '11.20')}`),
    ['E305 10.0.11.20'],
  ],
  'the address of the network itself': [
    tenant(lan, `${web}, ${sql.replace('10.20', '10.0')}`),
    ['E305 10.0.10.0'],
  ],
  'the broadcast address': [
    tenant(lan, `${web}, ${sql.replace('10.20', '10.255')}`),
    ['E305 10.0.10.255'],
  ],
  'the address of the gateway': [
    tenant(lan, `${web}, ${sql.replace('10.20', '10.1')}`),
    ['E308 10.0.10.1'],
  ],
  'an address in use twice': [
    tenant(lan, `${web}, ${sql.replace('10.20', '10.11')}`),
    ['E306 10.0.10.11'],
  ],
  'a MAC address in use twice': [
    tenant(
      lan,
      `${web.replace(' }', ', mac: 00:50:56:01:00:01 }')}, ${sql.replace(' }', ', mac: 00:50:56:01:00:01 }')}`,
    ),
    ['E307 00:50:56:01:00:01'],
  ],
  'a gateway outside of its subnet': [
    tenant(lan.replace('10.1 ', '11.1 '), `${web}, ${sql}`),
    ['E305 10.0.11.1'],
  ],
  'subnets that overlap, the later one to blame': [
    tenant(
      `${lan}, lan20: { subnet: 10.0.0.0/16 }`,
      `${web}, ${sql}, x: { network: lan20, ip: 10.0.9.9 }`,
    ),
    ['E304 10.0.0.0/16'],
  ],
  'a VM without a network': [
    tenant(lan, `${web}, sql01: { ip: 10.0.10.20 }`),
    ['E106 { ip: 10.0.10.20 }'],
  ],
  'a VM in a network that does not exist': [
    tenant(lan, `${web}, ${sql.replace('lan10', 'lan11')}`),
    ['E302 x'].slice(1).concat('E301 lan11'),
  ],
  'a network that nothing uses': [
    tenant(`${lan}, lan20: { subnet: 10.0.20.0/24 }`, `${web}, ${sql}`),
    ['W311 lan20'],
  ],
  'a name in use twice': [
    tenant(lan, `${web}, ${sql}, lan10: { network: lan10, ip: 10.0.10.9 }`),
    ['E309 lan10'],
  ],
  'a name that means something else': [
    tenant(lan, `${web}, ${sql}, internet: { network: lan10, ip: 10.0.10.9 }`),
    ['E207 internet'],
  ],
  'a static address in the pool of the DHCP server': [
    tenant(
      lan,
      `${web}, ${sql}`,
      '\n      dhcp: { network: lan10, server: hq.gateway, pool: 10.0.10.20-10.0.10.60 }',
    ),
    ['W317 10.0.10.20'],
  ],
  'a pool outside of its network': [
    tenant(
      lan,
      `${web}, ${sql}`,
      '\n      dhcp: { network: lan10, server: hq.gateway, pool: 10.0.11.20-10.0.11.60 }',
    ),
    ['E305 10.0.11.20-10.0.11.60', 'E305 10.0.11.20-10.0.11.60'],
  ],
  'a DHCP server in another network than its clients': [
    served('10.0.20.5', 'dhcp01', '', ', gateway: 10.0.20.1'),
    ['E303 dhcp01'],
  ],
  'the same with a relay agent between the two': [
    served('10.0.20.5', 'dhcp01', ', relay: true', ', gateway: 10.0.20.1'),
    [],
  ],
  'a relay agent without an address in the network of the server': [
    served('10.0.20.5', 'dhcp01', ', relay: true'),
    ['E311 true'],
  ],
  'a relay agent to a server that asks for its address': [
    served('dhcp', 'dhcp01', ', relay: true', ', gateway: 10.0.20.1'),
    ['W320 dhcp', 'E310 dhcp01'],
  ],
  'a relay agent to the router itself': [
    served('10.0.20.5', 'hq.gateway', ', relay: true', ', gateway: 10.0.20.1'),
    ['E310 true'],
  ],
  'a relay agent to a server in the network of its clients': [
    served('10.0.20.5', 'sql01', ', relay: true', ', gateway: 10.0.20.1'),
    ['E310 true'],
  ],
  'an address reserved outside of its network': [
    tenant(
      lan,
      `${web}, ${sql.replace('10.0.10.20', 'dhcp')}`,
      '\n      dhcp: { network: lan10, server: hq.gateway, pool: 10.0.10.20-10.0.10.60, reservations: { sql01: 10.0.11.20 } }',
    ),
    ['E305 10.0.11.20'],
  ],
  'an address reserved for nobody': [
    tenant(
      lan,
      `${web}, ${sql}`,
      '\n      dhcp: { network: lan10, server: hq.gateway, pool: 10.0.10.30-10.0.10.60, reservations: { sql02: 10.0.10.31 } }',
    ),
    ['E302 sql02'],
  ],
  'a machine that answers for the address of another': [
    tenant(
      lan,
      `${web}, ${sql}, old: { network: lan10, ip: 10.0.10.9, answers_for: [10.0.10.77, 10.0.10.20] }`,
    ),
    ['W322 old'],
  ],
  'an edge gateway of the org VDC, and none at the site': [
    edged('edge_gateway', 'isolated'),
    ['W323 net01'],
  ],
  'an edge gateway at both ends': [
    edged('edge_gateway', 'isolated', '\n      edge: { network: lan10, ip: 10.0.10.2 }'),
    [],
  ],
  'an IPsec VPN to an isolated network': [edged('ipsec_vpn', 'isolated'), ['W323 net01']],
  'what an appliance would do for replicas, where an edge gateway serves them': [
    {
      ...edged('ipsec_vpn', 'routed'),
      failover_plans:
        '{ plan1: { vms: [sql01], routing: true, public_ip_rules: [{ public_ip: 203.0.113.50, port: 80, to: sql01 }], default_gateways: { lan10: 10.0.10.2 } } }',
    },
    ['E310 true', 'E310 [', 'E310 lan10'],
  ],
  'an IPsec VPN to a routed network': [edged('ipsec_vpn', 'routed'), []],
  'dhcp where nobody leases addresses': [
    tenant(lan, `${web}, ${sql.replace('10.0.10.20', 'dhcp')}`),
    ['W320 dhcp'],
  ],
  'two appliances in one network': [
    tenant(
      lan,
      `${web}, ${sql}`,
      '\n      appliances: { a: { network: lan10, ip: 10.0.10.2 }, b: { network: lan10, ip: 10.0.10.3 } }',
    ),
    ['E314 b'],
  ],
};

for (const [title, [changes, expected]] of Object.entries(addressTable)) {
  test(`addresses: ${title}`, (t) => {
    t.deepEqual(
      found(scenario(changes)).map((line) => line.replace(/ \d+:\d+/, '')),
      expected,
    );
  });
}

test('that two answer for one address is warned of, unless that is what is tested', (t) => {
  const old = 'old: { network: lan10, ip: 10.0.10.9, answers_for: [10.0.10.20] }';
  const both = {
    ...tenant(lan, `${web}, ${sql}, ${old}`),
    steps: '\n  - expect: [{ ping: web01 -> sql01, fails: DUPLICATE_ADDRESS }]',
  };
  t.deepEqual(found(scenario(both)), []);
});

test('a bridge that is to lower the MSS is warned of', (t) => {
  const clamped = { tunnel: '{ mode: l2-bridge, mss_clamp: true }' };
  t.deepEqual(
    found(scenario(clamped)).map((line) => line.replace(/ \d+:\d+/, '')),
    ['W318 true'],
  );
  t.deepEqual(found(scenario({ tunnel: '{ mode: proxy-arp-l3, mss_clamp: true }' })), []);
  t.deepEqual(found(scenario({ tunnel: '{ mode: l2-bridge }' })), []);
});

test('a network with replicated VMs but no appliance is warned of, unless that is what is tested', (t) => {
  const without = {
    tenant: `
  sites:
    hq: { networks: { lan10: { subnet: 10.0.10.0/24 } }, vms: { web01: { network: lan10, ip: 10.0.10.11 }, sql01: { network: lan10, ip: 10.0.10.20 } } }`,
  };
  t.deepEqual(found(scenario(without)), ['W310 4:23 lan10']);
  const meant = { ...without, steps: '\n  - expect: [{ warning: NO_NEA }]' };
  t.deepEqual(found(scenario(meant)), []);
});

test('`fails: any` is allowed, but not in strict mode', (t) => {
  const text = scenario({ steps: '\n  - expect: [{ ping: web01 -> sql01, fails: any }]' });
  t.deepEqual(found(text), []);
  t.regex(found(text, { strict: true }).join(), /^E317 \d+:\d+ any$/);
});

test('a verb that is at home elsewhere is told where', (t) => {
  const probe = checkText(scenario({ steps: '\n  - ping: web01 -> sql01' })).problems[0];
  t.like(probe, { code: 'E104', hint: 'it goes into the list under "expect"' });
  const fault = checkText(scenario({ steps: '\n  - power_off: sql01' })).problems[0];
  t.like(fault, { code: 'E104', hint: 'it goes under "fault"' });
});

test('faults, states and amounts arrive as they were meant', (t) => {
  const steps = `
  - fault: { block: udp/6180 }
  - fault: { unblock: { at: gw1, ports: [udp/6180, tcp/6180] } }
  - fault: { drop: { at: internet, loss: 30% } }
  - fault: { delay: { at: lan10, latency: 5ms } }
  - fault: { mtu: { at: web01, mtu: 1400 } }
  - failover: { vms: [sql01], restore_point: 2, planned: true, reason: a drill }
  - expect:
      - state: { sql01: normal, tunnel.lan10: down, power.web01: stopped }
      - capture: { at: plan10, filter: arp, packets: ">= 2" }
      - not: { arp: { at: web01, ip: 10.0.10.20 } }
      - tcp: web01 -> sql01:1433
        bytes: 1000000
        name: a transfer`;
  const { steps: built } = onlyCase(checkText(scenario({ steps })));
  const faults = built.flatMap((step) => (step.kind === 'fault' ? [step.fault] : []));
  t.like(faults[0], { kind: 'block', at: undefined, ports: [{ protocol: 'udp', port: 6180 }] });
  t.like(faults[1], { kind: 'unblock', at: { kind: 'gateway', name: 'gw1' } });
  t.like(faults[2], { fault: 'drop', at: { kind: 'internet' }, change: { loss: 0.3 } });
  t.like(faults[3], {
    fault: 'delay',
    at: { kind: 'network', name: 'lan10' },
    direction: 'both',
    change: { latency: seconds(0.005) },
  });
  t.like(faults[4], { fault: 'mtu', at: { kind: 'vm' }, change: { frameMax: 1414 } });
  t.like(built[5], { kind: 'failover', restorePoint: 2, planned: true, reason: 'a drill' });
  const [state, capture, not, tcp] = probesOf(built[6]);
  t.like(state, {
    claims: [
      { kind: 'replica', vm: 'sql01', state: 'ready' },
      { kind: 'tunnel', network: 'lan10', state: 'down' },
      { kind: 'power', state: 'off' },
    ],
  });
  t.like(capture, {
    at: { kind: 'plan-network' },
    filter: { kind: 'protocol', protocol: 'arp' },
    filterText: 'arp',
    packets: { operator: '>=', count: 2 },
  });
  t.like(not, { kind: 'not', probe: { kind: 'arp', replies: undefined } });
  t.like(tcp, { kind: 'tcp', bytes: 1_000_000, title: 'a transfer' });
});

const attachedTo = (attach: string, more = 'mtu: 1450, '): string =>
  scenario({
    tenant: `
  sites:
    hq:
      networks: { lan10: { subnet: 10.0.10.0/24, ${more}attach: ${attach} } }
      vms: { web01: { network: lan10, ip: 10.0.10.11 }, sql01: { network: lan10, ip: 10.0.10.20 } }
      appliances: { nea-hq: { network: lan10, ip: 10.0.10.250 } }`,
  });

const attachTable: Record<string, [attach: string, expected: string[]]> = {
  'as short as can be': ['"vxlan://192.0.2.10/42"', []],
  'with everything': [
    '{ to: "vxlan://192.0.2.10:65535/16777215", allow: [arp, proxy_arp, announcements, dhcp], mtu: 9000 }',
    [],
  ],
  'another scheme': ['"vxlan:192.0.2.10/42"', ['E219 "vxlan:192.0.2.10/42"']],
  'no VNI': ['"vxlan://192.0.2.10:4789"', ['E219 "vxlan://192.0.2.10:4789"']],
  'a name': ['"vxlan://vtep1/42"', ['E201 vtep1']],
  'an address that others read otherwise': ['"vxlan://192.0.2.010/42"', ['E201 192.0.2.010']],
  'port 0': ['"vxlan://192.0.2.10:0/42"', ['E209 0']],
  'port 65536': ['"vxlan://192.0.2.10:65536/42"', ['E209 65536']],
  'VNI 0': ['"vxlan://192.0.2.10/0"', ['E206 0']],
  'a VNI of more than 24 bits': ['"vxlan://192.0.2.10/16777216"', ['E206 16777216']],
  'this machine': ['"vxlan://127.0.0.1/42"', ['E219 127.0.0.1']],
  'any address': ['"vxlan://0.0.0.0/42"', ['E219 0.0.0.0']],
  'a group': ['"vxlan://239.1.1.1/42"', ['E219 239.1.1.1']],
  everybody: ['"vxlan://255.255.255.255/42"', ['E219 255.255.255.255']],
  'an unknown allowance': ['{ to: "vxlan://192.0.2.10/42", allow: [arp, rarp] }', ['E210 rarp']],
  'no end point': ['{ allow: [arp] }', ['E106 { allow: [arp] }']],
};

for (const [title, [attach, expected]] of Object.entries(attachTable)) {
  test(`attach: ${title}`, (t) => {
    t.deepEqual(
      found(attachedTo(attach)).map((line) => line.replace(/ \d+:\d+/, '')),
      expected,
    );
  });
}

test('a network whose packets are too large for the VXLAN that it is attached to is warned of', (t) => {
  const attach = '"vxlan://192.0.2.10/42"';
  t.deepEqual(found(attachedTo(attach, '')), [`W324 5:58 ${attach}`]);
  const { problems } = checkText(attachedTo(attach, 'mtu: 1451, '));
  t.is(problems[0]?.hint, 'give the network "mtu: 1450"');
});

test('two networks cannot be attached to one VXLAN, which would join them', (t) => {
  const two = attachedTo('"vxlan://192.0.2.10/42"').replace(
    '42" }',
    '42" }, lan20: { subnet: 10.0.20.0/24, mtu: 1450, attach: "vxlan://192.0.2.10:4790/42" }',
  );
  t.true(
    found(two).some((line) => /^E324 .* "vxlan:\/\/192\.0\.2\.10:4790\/42"$/.test(line)),
    found(two).join(),
  );
});
