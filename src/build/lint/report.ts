/** What lints find, less what the author does not want to hear. */
import { CoracleError } from '../../errors.ts'
import { parseCheckSettings } from '../dockerfile/directives.ts'
import { DockerfileInvalid } from '../dockerfile/errors.ts'
import type { CheckDirective, Lines } from '../dockerfile/types.ts'
import { describeRule, isExperimental, type RuleName, ruleUrl } from './rules.ts'

export interface Finding {
  readonly rule: RuleName
  /** About this place. */
  readonly message: string
  /** About the rule. */
  readonly description: string
  readonly url: string | undefined
  readonly lines: Lines
  /** What to point at. */
  readonly near: string | undefined
}

/** Where something is found; `comments` may hold a `check=skip=…` for this instruction alone. */
export interface Spot {
  readonly lines: Lines
  readonly comments?: readonly string[]
  readonly near?: string | undefined
}

/** Names in it are as long as somebody likes. */
const MAX_MESSAGE = 1000

export type Report = (rule: RuleName, spot: Spot, message: string) => void

/** `findings` grows with each call of `report`. */
export function openReport(check: CheckDirective): { readonly report: Report; readonly findings: readonly Finding[] } {
  const findings: Finding[] = []
  const report: Report = (rule, { lines, comments = [], near }, message) => {
    if (!isWanted(rule, [check, ...commentSettings(comments)])) return
    findings.push({
      rule,
      message: message.slice(0, MAX_MESSAGE),
      description: describeRule(rule),
      url: ruleUrl(rule),
      lines,
      near,
    })
  }
  return { report, findings }
}

function isWanted(rule: RuleName, settings: readonly CheckDirective[]): boolean {
  const isIn = (rules: readonly string[]) => rules.includes('all') || rules.includes(rule)
  if (isExperimental(rule)) return settings.some(({ experimental }) => isIn(experimental))
  return !settings.some(({ skip }) => isIn(skip))
}

/** The first comment of the form `check=…`; one that makes no sense is a comment. */
function commentSettings(comments: readonly string[]): readonly CheckDirective[] {
  const text = comments.flatMap((comment) => /^check\s*=\s*(\S+)/i.exec(comment)?.[1] ?? [])[0]
  if (text === undefined) return []
  try {
    return [parseCheckSettings(text)]
  } catch (error) {
    if (error instanceof DockerfileInvalid) return []
    throw error
  }
}

/** `# check=error=true` and something was found. */
export class LintFailed extends CoracleError {
  override readonly code = 'DOCKERFILE_LINT'
  override readonly status = 400
  constructor(findings: readonly Finding[]) {
    const rules = [...new Set(findings.map(({ rule }) => rule))]
    super(`lint violation found for rules: ${rules.join(', ')}`, { hint: 'see coracle build --check' })
  }
}

/** @throws {LintFailed} the file wants findings to be errors, and there are some */
export function refuseFindings(findings: readonly Finding[], check: CheckDirective): void {
  if (check.error && findings.length > 0) throw new LintFailed(findings)
}
