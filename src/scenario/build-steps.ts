/** From what a file says to what happens: steps, with every name looked up. */
import { buildFault } from './build-faults.ts';
import { buildPlanOperation } from './build-plans.ts';
import { ProbeBuilder } from './build-probes.ts';
import type { RawMeanwhile } from './format-faults.ts';
import type { RawStep } from './format-steps.ts';
import { happens } from './happens.ts';
import type { Names } from './names.ts';
import { placeOf } from './place.ts';
import { didYouMean, type Findings } from './problem.ts';
import type { MatrixValue } from './scalars.ts';
import type { Meanwhile, Named, Step } from './scenario.ts';
import type { At, Items } from './shape.ts';
import { faultTitle, stepTitle, timeTitle } from './titles.ts';

export function buildSteps(
  raw: readonly RawStep[],
  variables: ReadonlyMap<string, MatrixValue>,
  names: Names,
  findings: Findings,
): Step[] {
  const steps: Step[] = [];
  raw.forEach((step, i) => {
    if (!happens(step.common.when, variables, findings)) return;
    const built = new StepBuilder(variables, names, findings).step(step, i + 1);
    if (built !== undefined) steps.push(built);
  });
  return steps;
}

const whenHint = 'add "at_step: 4", or "after: 3s"';
/** They take time, and are no operation with documented steps. */
const stepless: ReadonlySet<string> = new Set(['wait', 'expect', 'replicate']);

class StepBuilder {
  readonly #variables: ReadonlyMap<string, MatrixValue>;
  readonly #names: Names;
  readonly #findings: Findings;
  readonly #probes: ProbeBuilder;

  constructor(variables: ReadonlyMap<string, MatrixValue>, names: Names, findings: Findings) {
    this.#variables = variables;
    this.#names = names;
    this.#findings = findings;
    this.#probes = new ProbeBuilder(names, findings);
  }

  step(raw: RawStep, number: number): Step | undefined {
    const { verb } = raw;
    const meanwhile = 'meanwhile' in raw.with ? this.#meanwhile(raw.with.meanwhile, verb) : [];
    const title = raw.common.name?.value ?? stepTitle(verb, raw.node, meanwhile);
    const common = { number, title, place: placeOf(raw.spot), meanwhile };
    if (raw.value === undefined) return undefined;
    switch (raw.verb) {
      case 'failover': {
        const { vms, restore_point, reason, planned } = raw.value;
        const point = restore_point?.value ?? 'latest';
        return {
          ...common,
          kind: 'failover',
          vms: this.#vms(vms),
          restorePoint: point === 'latest' ? 1 : point,
          reason: reason?.value ?? '',
          planned: planned?.value ?? false,
        };
      }
      case 'undo':
        return { ...common, kind: 'undo', vms: this.#vms(raw.value.vms) };
      case 'plan': {
        const operation = raw.value && buildPlanOperation(raw.value, this.#names);
        return operation && { ...common, kind: 'plan', ...operation };
      }
      case 'failback': {
        const { vms, by, power_on } = raw.value;
        return {
          ...common,
          kind: 'failback',
          vms: this.#vms(vms),
          switchover: raw.value.switch?.value ?? 'auto',
          powerOn: power_on?.value ?? true,
          by: by?.value ?? 'tenant',
        };
      }
      case 'switch':
      case 'commit_failback':
      case 'undo_failback': {
        const { vms, by } = raw.value;
        const kinds = {
          switch: 'switch',
          commit_failback: 'commit-failback',
          undo_failback: 'undo-failback',
        } as const;
        const kind = kinds[raw.verb];
        return { ...common, kind, vms: this.#vms(vms), by: by?.value ?? 'tenant' };
      }
      case 'permanent':
        return { ...common, kind: 'permanent-failover', vms: this.#vms(raw.value.vms) };
      case 'reconnect':
      case 'replicate':
        return { ...common, kind: raw.verb, vms: this.#vms(raw.value.vms) };
      case 'set': {
        const vm = raw.value.vm && this.#names.find('vm', raw.value.vm);
        const ip = raw.value.ip?.value;
        return vm && ip !== undefined ? { ...common, kind: 'set', vm, ip } : undefined;
      }
      case 'fault': {
        const fault = raw.value && buildFault(raw.value, this.#names, this.#findings);
        const text = faultTitle(raw.node.entries.get(verb)?.value);
        return fault && { ...common, kind: 'fault', fault, text };
      }
      case 'wait':
        return { ...common, kind: 'wait', duration: raw.value.value };
      case 'predict': {
        const { ask, choices, answer, hint } = raw.value;
        const all = (choices?.items ?? []).map((choice) => choice.value);
        if (answer !== undefined && choices !== undefined && !all.includes(answer.value)) {
          const message = `"${answer.value}" is not among the choices`;
          this.#findings.add('E316', answer.spot, message, didYouMean(answer.value, all));
        }
        if (ask === undefined || answer === undefined) return undefined;
        return {
          ...common,
          kind: 'predict',
          ask: ask.value.trim(),
          choices: all,
          answer: answer.value,
          hint: hint?.value.trim() ?? '',
        };
      }
      case 'expect': {
        const probes = raw.value.items.flatMap((probe) =>
          happens(probe.common.when, this.#variables, this.#findings)
            ? (this.#probes.build(probe) ?? [])
            : [],
        );
        return { ...common, kind: 'expect', probes };
      }
    }
  }

  #meanwhile(raw: Items<RawMeanwhile> | undefined, verb: string): Meanwhile[] {
    return (raw?.items ?? []).flatMap((one): Meanwhile[] => {
      if (!happens(one.common.when, this.#variables, this.#findings)) return [];
      const { at_step, after } = one.with;
      if (at_step === undefined && after === undefined)
        this.#findings.add('E106', one.spot, 'nothing says when it happens', whenHint);
      if (at_step !== undefined && stepless.has(verb)) {
        const message = `"${verb}" has no steps of its own`;
        this.#findings.add('E310', at_step.spot, message, 'say "after: 3s"');
      }
      const fault = one.value && buildFault(one.value, this.#names, this.#findings);
      if (fault === undefined) return [];
      const text = faultTitle(one.node.entries.get('fault')?.value) + timeTitle(one.node);
      return [{ fault, text, atStep: at_step?.value, after: after?.value }];
    });
  }

  #vms(vms: Items<At<string>> | undefined): Named[] {
    const found = new Map<string, Named>();
    for (const { value, spot } of vms?.items ?? []) {
      const meant = this.#names.vms({ value, spot }, (vm) => this.#names.replicated.has(vm));
      if (meant.some(({ name }) => found.has(name)))
        this.#findings.add('E309', spot, `"${value}" stands here twice`);
      for (const vm of meant) found.set(vm.name, vm);
    }
    return [...found.values()];
  }
}
