import * as Args from '@oclif/core/args'
import * as Flags from '@oclif/core/flags'
import { EngineCommand } from '../base-command.ts'

const on = (description: string, char?: Letter) => Flags.boolean({ description, ...(char && { char }) })
const text = (description: string, char?: Letter) => Flags.string({ description, ...(char && { char }) })
const list = (description: string, char?: Letter) =>
  Flags.string({ description, multiple: true, multipleNonGreedy: true, ...(char && { char }) })
type Letter = 'a' | 'c' | 'd' | 'e' | 'h' | 'i' | 'l' | 'm' | 'q' | 't' | 'u' | 'v' | 'w'

export default class Run extends EngineCommand {
  static override summary = 'Create and run a new container from an image'
  static override description =
    'The image is pulled when it is not here. A path such as ./module.wasm runs a WebAssembly module without any image.'
  static override examples = [
    '<%= config.bin %> run --rm busybox echo hello',
    '<%= config.bin %> run -it --rm alpine sh',
    '<%= config.bin %> run --rm -m 64m --cpus 0.5 -v "$PWD:/src:ro" -w /src python:3 python test.py',
    '<%= config.bin %> run --rm ./module.wasm argument',
  ]
  static override args = {
    image: Args.string({ description: 'Image, or path of a WebAssembly module', required: true }),
    command: Args.string({ description: 'Program and arguments instead of the default ones of the image' }),
  }
  static override strict = false
  static override aliases = ['container:run']
  static override readonly stopAtFirstArgument = true
  static override readonly failureStatus = 125

  static override flags = {
    'add-host': list('Add a custom host-to-IP mapping (host:ip)'),
    annotation: list('Add an annotation to the container (passed through to the OCI runtime)'),
    attach: list('Attach to STDIN, STDOUT or STDERR', 'a'),
    'blkio-weight': text('Block IO (relative weight), between 10 and 1000, or 0 to disable'),
    'blkio-weight-device': list('Block IO weight (relative device weight)'),
    'cap-add': list('Add Linux capabilities'),
    'cap-drop': list('Drop Linux capabilities'),
    'cgroup-parent': text('Parent control group for the container'),
    cgroupns: text('Cgroup namespace to use (host|private)'),
    cidfile: text('Write the container ID to the file'),
    'cpu-period': text('Limit CPU CFS (Completely Fair Scheduler) period, in microseconds'),
    'cpu-quota': text('Limit CPU CFS (Completely Fair Scheduler) quota, in microseconds'),
    'cpu-shares': text('CPU shares (relative weight)', 'c'),
    cpus: text('Number of CPUs'),
    'cpuset-cpus': text('CPUs in which to allow execution (0-3, 0,1)'),
    'cpuset-mems': text('MEMs in which to allow execution (0-3, 0,1)'),
    'debug-plan': on('Print the steps that would start the container, and start nothing'),
    detach: on('Run container in background and print container ID', 'd'),
    'detach-keys': text('Override the key sequence for detaching a container'),
    device: list('Add a host device to the container'),
    'device-cgroup-rule': list('Add a rule to the cgroup allowed devices list'),
    'device-read-bps': list('Limit read rate (bytes per second) from a device'),
    'device-read-iops': list('Limit read rate (IO per second) from a device'),
    'device-write-bps': list('Limit write rate (bytes per second) to a device'),
    'device-write-iops': list('Limit write rate (IO per second) to a device'),
    dns: list('Set custom DNS servers'),
    'dns-option': list('Set DNS options'),
    'dns-search': list('Set custom DNS search domains'),
    domainname: text('Container NIS domain name'),
    entrypoint: text('Overwrite the default ENTRYPOINT of the image'),
    env: list('Set environment variables', 'e'),
    'env-file': list('Read in a file of environment variables'),
    'group-add': list('Add additional groups to join'),
    hostname: text('Container host name', 'h'),
    init: on('Run an init inside the container that forwards signals and reaps processes'),
    interactive: on('Keep STDIN open even if not attached', 'i'),
    ipc: text('IPC mode to use'),
    label: list('Set meta data on a container', 'l'),
    'label-file': list('Read in a line delimited file of labels'),
    'mac-address': text('Container MAC address (e.g., 92:d0:c6:0a:29:33)'),
    memory: text('Memory limit', 'm'),
    'memory-reservation': text('Memory soft limit'),
    'memory-swap': text("Swap limit equal to memory plus swap: '-1' to enable unlimited swap"),
    'memory-swappiness': text('Tune container memory swappiness (0 to 100)'),
    mount: list('Attach a filesystem mount to the container'),
    name: text('Assign a name to the container'),
    network: Flags.string({
      description: 'Connect a container to a network (none|host|container:NAME)',
      aliases: ['net'],
    }),
    'oom-kill-disable': on('Disable OOM Killer'),
    'oom-score-adj': text("Tune host's OOM preferences (-1000 to 1000)"),
    pid: text('PID namespace to use'),
    'pids-limit': text('Tune container pids limit (set -1 for unlimited)'),
    platform: text('Set platform if the image has several'),
    privileged: on('Give extended privileges to this container'),
    pull: text('Pull image before running (always|missing|never)'),
    quiet: on('Suppress the pull output', 'q'),
    'read-only': on("Mount the container's root filesystem as read only"),
    rm: on('Automatically remove the container when it exits'),
    runtime: text('Backend or OCI runtime to use for this container (linux, wasi, runc, /path/to/crun)'),
    'security-opt': list('Security Options'),
    'shm-size': text('Size of /dev/shm'),
    'sig-proxy': Flags.boolean({ description: 'Proxy received signals to the process', allowNo: true, default: true }),
    'stop-signal': text('Signal to stop the container'),
    'stop-timeout': text('Timeout (in seconds) to stop a container'),
    sysctl: list('Sysctl options'),
    tmpfs: list('Mount a tmpfs directory'),
    tty: on('Allocate a pseudo-TTY', 't'),
    ulimit: list('Ulimit options'),
    user: text('Username or UID (format: <name|uid>[:<group|gid>])', 'u'),
    userns: text('User namespace to use'),
    uts: text('UTS namespace to use'),
    volume: list('Bind mount a volume', 'v'),
    workdir: text('Working directory inside the container', 'w'),
  }

  async run(): Promise<void> {
    const { args, argv, flags } = await this.parse(Run)
    const engine = await this.openEngine()
    const { stdin, stdout, stderr } = process
    const request = { image: args.image, command: argv.slice(1) as string[], flags }
    const openTransfer = async () => (await import('../ui/progress.ts')).openProgress(stderr)
    const io = { stdin, stdout, stderr, ...(flags.quiet !== true && { openTransfer }) }
    process.exitCode = await engine.containers.run(request, io)
  }
}
