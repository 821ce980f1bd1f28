/** What FROM lines show once their variables are known. */
import { InvalidArgument } from '../../errors.ts'
import { formatPlatform, parsePlatform } from '../../images/platform.ts'
import { parseReference } from '../../oci/reference.ts'
import { closest } from '../../ui/closest.ts'
import { globalArguments } from '../dockerfile/arguments.ts'
import { DockerfileInvalid } from '../dockerfile/errors.ts'
import { expandWord } from '../dockerfile/expand.ts'
import type { PlannedStage, StagePlan } from '../dockerfile/stages.ts'
import type { Dockerfile, Stage } from '../dockerfile/types.ts'
import type { LintSettings } from './lint.ts'
import type { Report } from './report.ts'

/** Of names that a mistyped one may mean: looking at all of thousands would take long. */
const MAX_CANDIDATES = 200

export function checkFrom(plan: StagePlan, lint: LintSettings, report: Report): void {
  const { dockerfile, globals } = plan
  checkDefaults(dockerfile, settingsWithoutArgs(lint.settings), report)
  const declared = new Set([
    ...globals.keys(),
    ...dockerfile.globals.flatMap(({ args }) => args.map(({ name }) => name)),
  ])
  for (const { stage } of plan.stages) checkVariables(stage, { plan, declared, report })
  for (const planned of plan.stages) checkBasePlatform(planned, lint, report)
}

interface VariableCheck {
  readonly plan: StagePlan
  readonly declared: ReadonlySet<string>
  readonly report: Report
}

function checkVariables(stage: Stage, { plan, declared, report }: VariableCheck): void {
  const { globals } = plan
  const { escape: token } = plan.dockerfile.directives
  const base = expandNoting(stage.from.base, { values: globals, token })
  const platform = expandNoting(stage.from.platform ?? '', { values: globals, token })
  for (const name of new Set([...base.unset, ...platform.unset])) {
    if (declared.has(name)) continue
    const near = closest(name.slice(0, 40), declared.keys().take(MAX_CANDIDATES).toArray())
    const suggestion = near === undefined ? '' : ` (did you mean ${near}?)`
    report('UndefinedArgInFrom', { ...stage.from, near: name }, `FROM argument '${name}' is not declared${suggestion}`)
  }
  if (stage.from.platform !== undefined) checkPlatform(stage, { platform, globals, report })
}

function checkBasePlatform({ stage, platform }: PlannedStage, { settings, bases }: LintSettings, report: Report): void {
  const actual = bases?.get(stage.index)?.platform
  const expected = platform ?? settings.targetPlatform
  if (actual === undefined || (actual.os === expected.os && actual.architecture === expected.architecture)) return
  const [is, wanted] = [actual, expected].map((one) => JSON.stringify(formatPlatform(one)))
  report(
    'InvalidBaseImagePlatform',
    stage.from,
    `Base image ${stage.from.base} was pulled with platform ${is}, expected ${wanted} for current build`,
  )
}

function settingsWithoutArgs(settings: LintSettings['settings']): LintSettings['settings'] {
  return { ...settings, buildArgs: new Map() }
}

/** Would the names be good with defaults alone? */
function checkDefaults(dockerfile: Dockerfile, settings: LintSettings['settings'], report: Report): void {
  const values = orUndefined(() => globalArguments(dockerfile, settings))
  for (const { from } of values === undefined ? [] : dockerfile.stages) {
    const name = orUndefined(() =>
      expandWord(from.base, { lookup: (one) => values?.get(one), escape: dockerfile.directives.escape }),
    )
    if (name !== undefined && !isReference(name))
      report(
        'InvalidDefaultArgInFrom',
        { ...from, near: from.base },
        `Default value for ARG ${from.base} results in empty or invalid base image name`,
      )
  }
}

/** Without build arguments something may fail that works with them. */
function orUndefined<Result>(work: () => Result): Result | undefined {
  try {
    return work()
  } catch (error) {
    if (error instanceof DockerfileInvalid) return undefined
    throw error
  }
}

function isReference(name: string): boolean {
  try {
    parseReference(name)
    return true
  } catch (error) {
    if (error instanceof InvalidArgument) return false
    throw error
  }
}

interface Expanded {
  readonly text: string
  readonly used: ReadonlySet<string>
  readonly unset: ReadonlySet<string>
}

function expandNoting(
  word: string,
  { values, token }: { readonly values: ReadonlyMap<string, string>; readonly token: '\\' | '`' },
): Expanded {
  const used = new Set<string>()
  const unset = new Set<string>()
  const lookup = (name: string) => {
    const value = values.get(name)
    ;(value === undefined ? unset : used).add(name)
    return value
  }
  return { text: expandWord(word, { lookup, escape: token }), used, unset }
}

interface PlatformCheck {
  readonly platform: Expanded
  readonly globals: ReadonlyMap<string, string>
  readonly report: Report
}

function checkPlatform({ from, name = '' }: Stage, { platform, globals, report }: PlatformCheck): void {
  const { text, used, unset } = platform
  if (used.size === 1 && unset.size === 0 && used.has('TARGETPLATFORM') && text === globals.get('TARGETPLATFORM'))
    report(
      'RedundantTargetPlatform',
      { ...from, near: from.platform },
      `Setting platform to predefined ${from.platform} in FROM is redundant as this is the default behavior`,
    )
  if (used.size > 0 || unset.size > 0) return
  const { os, architecture } = parsePlatform(text)
  // A stage that bears its platform in its name means it.
  if (name.includes(os) || name.includes(architecture)) return
  report(
    'FromPlatformFlagConstDisallowed',
    { ...from, near: from.platform },
    `FROM --platform flag should not use constant value ${JSON.stringify(text)}`,
  )
}
