/**
 * SARIF 2.1.0 (OASIS), as code scanning reads it: a rule per reason code, a result per broken
 * expectation or invariant at its line of the scenario, the way of its packet as a code flow.
 */
import { wellFormed } from '../base/utf8.ts';
import { isReason, reasons } from '../trace/reasons.ts';
import type { Hop, RunResult, TimedResult, Unplayed } from '../trace/result.ts';
import { showJson } from './json.ts';
import { safe } from './terminal.ts';
import { hopInWords, nameOfRun, notCheckedOf, type Trouble, troublesOf } from './troubles.ts';

export interface SarifOptions {
  readonly version: string;
  readonly unsupported?: readonly Unplayed[];
}

/** GitHub refuses a run with more results, and shows so many places of a code flow. */
const resultsMax = 25_000;
const hopsMax = 1000;

export function runsSarif(results: readonly TimedResult[], options: SarifOptions): string {
  const runs = results.map(({ result }) => result);
  const all = runs.flatMap((run) => troublesOf(run).map((trouble) => ({ run, trouble })));
  const shown = all.slice(0, resultsMax);
  const rules = [...new Set(shown.map(({ trouble }) => trouble.rule))];
  const brokenOff = runs.some((run) => run.brokenOff !== undefined);
  const notifications = notificationsOf(runs, options.unsupported ?? [], all.length - shown.length);
  const twins = new Map<string, number>();
  return showJson({
    $schema:
      'https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json',
    version: '2.1.0',
    runs: [
      {
        tool: {
          driver: {
            name: 'Standin',
            version: options.version,
            semanticVersion: options.version,
            rules: rules.map(ruleOf),
          },
        },
        columnKind: 'utf16CodeUnits',
        invocations: [
          { executionSuccessful: !brokenOff, toolExecutionNotifications: notifications },
        ],
        results: shown.map(({ run, trouble }) => resultOf(run, trouble, rules, twins)),
      },
    ],
  });
}

function ruleOf(id: string): object {
  if (isReason(id)) {
    const { meaning, causes, remedy, source } = reasons[id];
    const text = `${meaning}\n\nCauses: ${causes}\n\nWhat to do: ${remedy}\n\nSource: ${source}`;
    return { id, ...rule(meaning, text, 'reachability') };
  }
  if (id === 'EXPECTATION_BROKEN') {
    const meaning = 'What the scenario expects is not so.';
    return { id, ...rule(meaning, meaning, 'expectation') };
  }
  const meaning = `The invariant ${id.slice(id.indexOf('.') + 1)} was broken on the wire.`;
  return { id, ...rule(meaning, meaning, 'invariant') };
}

const rule = (meaning: string, help: string, tag: string): object => ({
  shortDescription: { text: meaning },
  fullDescription: { text: meaning },
  help: { text: help },
  defaultConfiguration: { level: 'error' },
  properties: { tags: ['standin', tag] },
});

function resultOf(
  run: RunResult,
  trouble: Trouble,
  rules: readonly string[],
  twins: Map<string, number>,
): object {
  const { rule: ruleId, severity, hops, change, step, at, remedy } = trouble;
  const identity = JSON.stringify([run.file, run.case, ruleId, trouble.title]);
  const twin = twins.get(identity) ?? 0;
  twins.set(identity, twin + 1);
  return {
    ruleId,
    ruleIndex: rules.indexOf(ruleId),
    kind: 'fail',
    level: severity,
    message: { text: messageOf(run, trouble) },
    locations: [{ physicalLocation: placeIn(trouble) }],
    ...(hops.length > 0 && { codeFlows: [codeFlow(hops, trouble)] }),
    ...(change && {
      relatedLocations: [
        { physicalLocation: placeIn(change), message: { text: plain(`change: ${change.text}`) } },
      ],
    }),
    // Lines move and seeds change: the same expectation that fails for the same reason is the same problem.
    partialFingerprints: { 'standinProblem/v1': wellFormed(`${identity}#${twin}`) },
    properties: {
      scenario: run.name,
      case: run.case,
      seed: run.seed,
      step,
      atNanoseconds: at,
      ...(remedy !== undefined && { remedy }),
    },
  };
}

function messageOf(run: RunResult, { title, detail, code, why }: Trouble): string {
  const what = detail === '' ? title : `${title}: ${detail}`;
  const reason = why === undefined ? '' : ` ${code === undefined ? '' : `${code}: `}${why}`;
  return plain(`${what}.${reason} (${nameOfRun(run)})`);
}

/** In messages `[words](target)` is a link and `{0}` a placeholder (SARIF 2.1.0 sections 3.11.5, 3.11.6): here neither is. */
const plain = (text: string): string =>
  safe(text)
    .replace(/\[(?=[^\]]*\]\()/g, '\\[')
    .replace(/[{}]/g, '$&$&');

function codeFlow(hops: readonly Hop[], trouble: Trouble): object {
  const locations = hops.slice(0, hopsMax).map((hop, i) => ({
    location: {
      physicalLocation: placeIn(trouble),
      logicalLocations: [{ name: hop.where, kind: 'device' }],
      message: { text: plain(hopInWords(hop, i)) },
    },
    executionOrder: i + 1,
    importance: hop.dropped ? 'essential' : 'important',
    properties: { atNanoseconds: hop.at, ...(hop.event !== undefined && { event: hop.event }) },
  }));
  return { threadFlows: [{ locations }] };
}

interface Spot {
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

const placeIn = ({ file, line, column }: Spot): object => ({
  artifactLocation: { uri: uriOf(file) },
  region: { startLine: line, startColumn: column },
});

/**
 * A path as a URI (RFC 3986): relative to where the program was started, unless it is absolute. Colons
 * are encoded, so nothing is taken for a scheme.
 */
function uriOf(path: string): string {
  const encoded = wellFormed(path).split('/').map(encodeURIComponent).join('/');
  return path.startsWith('/') ? `file://${encoded}` : encoded;
}

function notificationsOf(
  runs: readonly RunResult[],
  unplayed: readonly Unplayed[],
  leftOut: number,
): object[] {
  const notes = [
    ...runs.flatMap((run) =>
      notCheckedOf(run).map(
        (what) => [run.file, `not checked: ${what} (${nameOfRun(run)})`] as const,
      ),
    ),
    ...unplayed.map(
      ({ file, obstacles }) =>
        [file, `not played: ${obstacles.map(({ because }) => because).join('; ')}`] as const,
    ),
  ].map(([file, text]) => ({
    level: 'warning',
    message: { text: plain(text) },
    locations: [{ physicalLocation: { artifactLocation: { uri: uriOf(file) } } }],
  }));
  if (leftOut === 0) return notes;
  return [...notes, { level: 'warning', message: { text: `${leftOut} results are left out` } }];
}
