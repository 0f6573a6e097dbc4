/** The steps of the scenario with what came of them, and the text that they are written in. */
import './steps.css';
import { useEffect, useRef } from 'preact/hooks';
import type { ExpectationResult, RunResult, StepResult } from '../trace/result.ts';
import type { Store } from './store.ts';

interface Props {
  readonly store: Store;
}

export function Steps({ store }: Props) {
  const recording = store.replay.value?.recording;
  if (recording === undefined) return null;
  const [source] = recording.sources;
  return (
    <>
      <h2>Steps</h2>
      <ol>
        {recording.result.steps.map((step) => (
          <Step key={step.number} store={store} step={step} result={recording.result} />
        ))}
      </ol>
      {source !== undefined && <Source store={store} file={source.file} text={source.text} />}
    </>
  );
}

function Step({ store, step }: Props & { readonly step: StepResult; readonly result: RunResult }) {
  const focus = store.focus.value;
  const isNow = focus.step === step.number;
  return (
    <li>
      <button
        type="button"
        class="plain"
        aria-pressed={isNow && focus.expectation === undefined}
        onClick={() => store.select({ kind: 'step', step: step.number })}
      >
        {step.title}
      </button>
      {step.happened.map(({ kind, text, code }) => (
        <p key={text} class={kind === 'failed' ? 'bad' : 'quiet'}>
          {marks[kind]} {text} {code}
        </p>
      ))}
      {step.expectations.map((one, index) => (
        <button
          type="button"
          class="plain expectation"
          key={`${one.line}:${one.column}`}
          aria-pressed={isNow && focus.expectation === index}
          onClick={() => {
            store.select({ kind: 'expectation', step: step.number, index });
            store.detail.value = 'why';
          }}
        >
          <Mark one={one} /> {one.text}
        </button>
      ))}
    </li>
  );
}

const marks = { note: '·', success: '✓', failed: '✗', warning: '⚠' } as const;

/** In shape, text and colour. */
export function Mark({ one }: { readonly one: ExpectationResult }) {
  const { verdict, fails } = one;
  if (verdict === 'not-checked') return <span class="quiet">– not checked:</span>;
  if (verdict === 'broken') return <span class="bad">✗ broken:</span>;
  return <span class="good">{fails === undefined ? '✓' : '✓ fails as told:'}</span>;
}

function Source({ store, file, text }: Props & { readonly file: string; readonly text: string }) {
  const { line } = store.focus.value;
  const marked = useRef<HTMLButtonElement>(null);
  useEffect(() => {
    marked.current?.scrollIntoView({ block: 'nearest' });
  }, [line]);
  return (
    <details open>
      <summary>{file}</summary>
      <div class="source">
        {text.split('\n').map((words, i) => (
          <button
            type="button"
            class="plain"
            key={i}
            ref={line === i + 1 ? marked : null}
            aria-pressed={line === i + 1}
            tabIndex={line === i + 1 ? 0 : -1}
            aria-label={`line ${i + 1}: ${words}`}
            onClick={() => store.select({ kind: 'line', line: i + 1 })}
          >
            <span class="quiet">{String(i + 1).padStart(3)}</span> {words}
          </button>
        ))}
      </div>
    </details>
  );
}
