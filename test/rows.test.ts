/**
 * What the domain says, one row after the other taken away: an order, a limit, a state, a port, a
 * rule. Each time a scenario of the gallery turns red. A row that nobody misses is a row that the
 * gallery does not show.
 */
import test from 'ava';
import { rows } from './domain-rows.ts';
import { standin } from './support/cli.ts';
import { programWith } from './support/without.ts';

interface Report {
  readonly runs: readonly {
    readonly file: string;
    readonly case: string;
    readonly steps: readonly {
      readonly expectations: readonly {
        readonly text: string;
        readonly line: number;
        readonly verdict: string;
      }[];
    }[];
  }[];
}

for (const { row, noticedBy, ...change } of rows) {
  test(`without: ${row}`, async (t) => {
    const program = programWith(t, change);
    const words = ['run', `scenarios/${noticedBy}.yaml`, '--json', '--pcap', 'off'];
    const { code, stdout, stderr } = await standin(words, { program });
    t.is(code, 1, `nobody noticed: ${stderr}`);
    const broken = (JSON.parse(stdout) as Report).runs.flatMap((run) =>
      run.steps.flatMap(({ expectations }) =>
        expectations.filter(({ verdict }) => verdict === 'broken'),
      ),
    );
    t.true(broken.length > 0);
    t.log(`noticed by ${noticedBy}, line ${broken[0]!.line}: ${broken[0]!.text}`);
  });
}
