/**
 * What a Dockerfile says, as the parser hands it on. Nothing here is expanded: a word is as its author wrote it, with its
 * quotes and its `$`, because only the step before it knows the variables (`expand.ts`).
 */

/** Lines count from 1; `end` is inclusive. Heredocs belong to the instruction that opens them. */
export interface Lines {
  readonly start: number
  readonly end: number
}

/** The text that errors quote. */
export interface Source {
  /** As the user knows it: `Dockerfile`, `docker/prod.Dockerfile`, `-`. */
  readonly name: string
  readonly lines: readonly string[]
}

export interface Dockerfile {
  readonly source: Source
  readonly directives: Directives
  /** ARGs before the first FROM: only FROM lines see them, and stages that repeat the name. */
  readonly globals: readonly ArgInstruction[]
  /** In the order of the file; at least one. */
  readonly stages: readonly Stage[]
  /** Instructions that are continued over an empty line, which will be an error one day. */
  readonly emptyContinuations: readonly Lines[]
}

/** `# name=value` lines at the very top. */
export interface Directives {
  readonly syntax?: string
  readonly escape: Escape
  readonly check: CheckDirective
}

export type Escape = '\\' | '`'

/** `# check=skip=JSONArgsRecommended,StageNameCasing;error=true` */
export interface CheckDirective {
  /** Rule names, or `all`. */
  readonly skip: readonly string[]
  /** A finding is an error. */
  readonly error: boolean
  /** Rules that are tried out yet and have to be asked for, or `all`. */
  readonly experimental: readonly string[]
}

/** From one FROM to the next. */
export interface Stage {
  readonly index: number
  /** Lower case; undefined without `AS`. */
  readonly name?: string
  readonly from: FromInstruction
  readonly instructions: readonly Instruction[]
}

/** What all instructions have. */
interface Common {
  readonly lines: Lines
  /** The instruction on one line, as history shows it: continued lines joined, comments gone, no heredoc bodies. */
  readonly code: string
  /** The keyword as written, to complain about its case. */
  readonly keyword: string
  /** Text of the comment lines right above, without `#` and the blank behind it. */
  readonly comments: readonly string[]
}

/** What may follow a FROM; `kind` tells them apart. */
export type Instruction =
  | AddInstruction
  | ArgInstruction
  | CmdInstruction
  | CopyInstruction
  | EntrypointInstruction
  | EnvInstruction
  | ExposeInstruction
  | HealthcheckInstruction
  | LabelInstruction
  | MaintainerInstruction
  | OnbuildInstruction
  | RunInstruction
  | ShellInstruction
  | StopsignalInstruction
  | UserInstruction
  | VolumeInstruction
  | WorkdirInstruction

export type Kind = Instruction['kind'] | 'FROM'

export interface FromInstruction extends Common {
  readonly kind: 'FROM'
  /** Unexpanded: an image reference, `scratch`, or the name of an earlier stage. */
  readonly base: string
  /** Unexpanded `--platform`. */
  readonly platform?: string
  /** `AS` as written. */
  readonly as?: { readonly keyword: string; readonly name: string }
}

/** `<<EOF` and what stands below it. */
export interface Heredoc {
  readonly name: string
  /** Not quoted, so variables in it are expanded (by COPY and ADD; RUN leaves that to the shell). */
  readonly expand: boolean
  /** `<<-`: leading tabs were dropped from body and terminator. */
  readonly chomp: boolean
  /** `3<<EOF`; 0 where none is written. */
  readonly fileDescriptor: number
  /** Every line with its line feed; tabs as written, `chompTabs` drops them. */
  readonly content: string
}

/** Shell form: one string for the shell. Exec form: the words of a JSON array. */
export type CommandLine =
  | { readonly form: 'shell'; readonly text: string }
  | { readonly form: 'exec'; readonly args: readonly string[] }

export interface RunInstruction extends Common {
  readonly kind: 'RUN'
  readonly command: CommandLine
  readonly heredocs: readonly Heredoc[]
  /** Each `--mount` as written; `parseMount` reads one, once variables are known. */
  readonly mounts: readonly string[]
  readonly network: 'default' | 'none' | 'host'
  readonly security: 'sandbox' | 'insecure'
  /** `--device` as written (not in the stable language of BuildKit). */
  readonly devices: readonly string[]
}

/** What COPY and ADD share. Paths, owners, modes and patterns are unexpanded. */
interface CopyLike extends Common {
  readonly sources: readonly string[]
  /** Files whose content stands in the Dockerfile; copied after `sources`. */
  readonly files: readonly Heredoc[]
  readonly destination: string
  readonly chown?: string
  readonly chmod?: string
  readonly link: boolean
  readonly exclude: readonly string[]
}

export interface CopyInstruction extends CopyLike {
  readonly kind: 'COPY'
  /** Stage, stage number, named context or image; never expanded. */
  readonly from?: string
  readonly parents: boolean
}

export interface AddInstruction extends CopyLike {
  readonly kind: 'ADD'
  readonly checksum?: string
  /** undefined: archives of the context yes, those behind URLs no. */
  readonly unpack?: boolean
  readonly keepGitDir?: boolean
}

/** `key=value`, both unexpanded. */
export interface Pair {
  readonly key: string
  readonly value: string
  /** Written `ENV key value`. */
  readonly legacy: boolean
}

export interface EnvInstruction extends Common {
  readonly kind: 'ENV'
  readonly pairs: readonly Pair[]
}

export interface LabelInstruction extends Common {
  readonly kind: 'LABEL'
  readonly pairs: readonly Pair[]
}

export interface ArgInstruction extends Common {
  readonly kind: 'ARG'
  readonly args: readonly {
    readonly name: string
    /** The default, unexpanded; undefined without `=`. */
    readonly value?: string
  }[]
}

export interface CmdInstruction extends Common {
  readonly kind: 'CMD'
  readonly command: CommandLine
}

export interface EntrypointInstruction extends Common {
  readonly kind: 'ENTRYPOINT'
  readonly command: CommandLine
}

export interface ShellInstruction extends Common {
  readonly kind: 'SHELL'
  readonly args: readonly string[]
}

export interface HealthcheckInstruction extends Common {
  readonly kind: 'HEALTHCHECK'
  readonly check: 'none' | Healthcheck
}

/** Times in nanoseconds, as the image config has them; 0 where nothing is said. */
export interface Healthcheck {
  readonly command: CommandLine
  readonly interval: number
  readonly timeout: number
  readonly startPeriod: number
  readonly startInterval: number
  readonly retries: number
}

export interface ExposeInstruction extends Common {
  readonly kind: 'EXPOSE'
  /** Unexpanded, and sorted as docker does; `parsePorts` reads one when its variables are known. */
  readonly ports: readonly string[]
}

export interface UserInstruction extends Common {
  readonly kind: 'USER'
  readonly user: string
}

export interface VolumeInstruction extends Common {
  readonly kind: 'VOLUME'
  readonly paths: readonly string[]
}

export interface WorkdirInstruction extends Common {
  readonly kind: 'WORKDIR'
  readonly path: string
}

export interface StopsignalInstruction extends Common {
  readonly kind: 'STOPSIGNAL'
  readonly signal: string
}

/** A deprecated way to say who made the image. */
export interface MaintainerInstruction extends Common {
  readonly kind: 'MAINTAINER'
  readonly maintainer: string
}

export interface OnbuildInstruction extends Common {
  readonly kind: 'ONBUILD'
  /** What the image config keeps: the instruction's text with its heredocs. */
  readonly trigger: string
  /** The same, parsed. */
  readonly instruction: Instruction
}
