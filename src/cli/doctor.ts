/** `standin doctor`: what works here, what is missing, what mends it. */
import { canEmulate, examine } from '../emu/doctor.ts';
import type { Profile } from '../emu/insides.ts';
import { kernelProfileNeeds, unsupported } from '../emu/requirements.ts';
import { doctorText } from '../report/doctor.ts';
import { showJson } from '../report/json.ts';
import type { Unplayed } from '../trace/result.ts';
import { readAll } from './check.ts';
import { exitCodes } from './exit-codes.ts';
import { kernelNeeds } from './kernel-needs.ts';
import { scriptIn } from './scripts.ts';
import { styleFor } from './style.ts';
import { version } from './version.ts';

export interface DoctorFlags {
  readonly json?: boolean;
  readonly backend: 'sim' | 'linux';
  readonly profile: Profile;
}

export async function doctor(paths: readonly string[], options: DoctorFlags): Promise<number> {
  const read = readAll(paths, false);
  if (read === undefined) return exitCodes.invalid;
  const checks = await examine(scriptIn('emu', 'examiner.js'));
  const scenarios = read
    .flatMap(({ cases }) => cases ?? [])
    .map((scenario): Unplayed => {
      const obstacles = unsupported(kernelNeeds(scenario, options.profile), checks);
      return { file: scenario.file, case: scenario.case, obstacles };
    });
  const emulates = canEmulate(checks);
  const kernelProfile = unsupported(kernelProfileNeeds('appliances are kernels'), checks);
  const profiles = { node: emulates, kernel: emulates && kernelProfile.length === 0 };
  const simulates = checks.some(({ id, ok }) => id === 'node' && ok);
  if (options.json) {
    const document = {
      schema: 1,
      standin: version,
      simulates,
      emulates,
      profiles,
      checks,
      scenarios,
    };
    process.stdout.write(showJson(document));
  } else {
    const style = styleFor(process.stdout);
    const width = process.stdout.columns ?? 100;
    process.stdout.write(
      doctorText(checks, { version, emulates, kernelProfile, scenarios, style, width }),
    );
  }
  const works = options.backend === 'linux' ? profiles[options.profile] : simulates;
  return works ? exitCodes.asExpected : exitCodes.environmentLacks;
}
