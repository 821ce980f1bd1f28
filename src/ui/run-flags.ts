/** The flags that `run` and `create` share, by docker's names. */
import * as Flags from '@oclif/core/flags'
import type { BareFlag } from './command-line.ts'

const on = (description: string, char?: Letter) => Flags.boolean({ description, ...(char && { char }) })
const text = (description: string, char?: Letter) => Flags.string({ description, ...(char && { char }) })
const list = (description: string, char?: Letter) =>
  Flags.string({ description, multiple: true, multipleNonGreedy: true, ...(char && { char }) })
type Letter = 'A' | 'a' | 'c' | 'd' | 'e' | 'h' | 'i' | 'l' | 'm' | 'p' | 'P' | 'q' | 't' | 'u' | 'v' | 'w'

/** A list that also means something without a value. */
const grant = (description: string, bare: BareFlag) => {
  const flag = list(description)
  return Object.assign(flag, { bare }) as typeof flag
}
const ALL = { value: '' }
/** No rule looks like a flag or like the path of a module. */
const ALL_NET = { value: '', before: /^(?:-|\.{0,2}\/)/ }
/** What could be an image is one: only addresses, blocks, `*.domain` and lists are rules as the next word. */
const NO_NET = { value: '', before: /^(?!\*|\[|[^/]*,|[\d.]+(?:\/\d{1,2})?(?::\d+)?(?:\/tcp|\/udp)?$)/ }

export const createFlags = {
  'add-host': list('Add a custom host-to-IP mapping (host:ip)'),
  'allow-all': on('Grant whatever the image asks for', 'A'),
  'allow-env': grant('Let it see these variables of yours, or all that it asks for: NAME,…', ALL),
  'allow-net': grant(
    'Let it reach only these hosts: NAME[:PORT], *.DOMAIN[:PORT], ADDRESS, CIDR; comma-separated',
    ALL_NET,
  ),
  'allow-read': grant('Let it read these files of the host, or those that it asks for: PATH,…', ALL),
  'allow-write': grant('Let it read and change these files of the host, or those that it asks for: PATH,…', ALL),
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
  'deny-env': grant('Never let it see these variables of yours: NAME,…', ALL),
  'deny-net': grant('Never let it reach these hosts, in the words of --allow-net, or any', NO_NET),
  'deny-read': grant('Never let it read these files: PATH,…', ALL),
  'deny-write': grant('Never let it change these files: PATH,…', ALL),
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
  expose: list('Expose a port or a range of ports'),
  'group-add': list('Add additional groups to join'),
  'health-cmd': text('Command to run to check health'),
  'health-interval': text('Time between running the check (ms|s|m|h)'),
  'health-on-failure': text('What to do when the container turns unhealthy (none|kill|stop|restart)'),
  'health-retries': text('Consecutive failures needed to report unhealthy'),
  'health-start-interval': text('Time between running the check during the start period (ms|s|m|h)'),
  'health-start-period': text(
    'Start period for the container to initialize before starting health-retries countdown (ms|s|m|h)',
  ),
  'health-timeout': text('Maximum time to allow one check to run (ms|s|m|h)'),
  hostname: text('Container host name', 'h'),
  ip: text('IPv4 address (e.g., 172.30.100.104)'),
  ip6: text('IPv6 address (e.g., 2001:db8::33)'),
  init: on('Run an init inside the container that forwards signals and reaps processes'),
  interactive: on('Keep STDIN open even if not attached', 'i'),
  ipc: text('IPC mode to use'),
  label: list('Set meta data on a container', 'l'),
  'label-file': list('Read in a line delimited file of labels'),
  link: list('Add link to another container (CONTAINER:ALIAS)'),
  'log-driver': text('Logging driver for the container (json-file|local|journald|none)'),
  'log-opt': list('Log driver options (max-size, max-file, tag, labels, env)'),
  'mac-address': text('Container MAC address (e.g., 92:d0:c6:0a:29:33)'),
  memory: text('Memory limit', 'm'),
  'memory-reservation': text('Memory soft limit'),
  'memory-swap': text("Swap limit equal to memory plus swap: '-1' to enable unlimited swap"),
  'memory-swappiness': text('Tune container memory swappiness (0 to 100)'),
  mount: list('Attach a filesystem mount to the container'),
  name: text('Assign a name to the container'),
  network: Flags.string({
    description: 'Connect a container to a network (bridge|none|host|container:NAME|NETWORK|name=NETWORK,ip=…,alias=…)',
    aliases: ['net'],
    multiple: true,
    multipleNonGreedy: true,
  }),
  'network-alias': Flags.string({
    description: 'Add network-scoped alias for the container',
    aliases: ['net-alias'],
    multiple: true,
    multipleNonGreedy: true,
  }),
  'network-rate': text('Limit of what it sends and receives over each link (10mbit, or egress=10mbit,ingress=1gbit)'),
  'no-healthcheck': on('Disable any container-specified HEALTHCHECK'),
  'oom-kill-disable': on('Disable OOM Killer'),
  'oom-score-adj': text("Tune host's OOM preferences (-1000 to 1000)"),
  pid: text('PID namespace to use'),
  'pids-limit': text('Tune container pids limit (set -1 for unlimited)'),
  platform: Flags.string({ description: 'Set platform if the image has several', env: 'DOCKER_DEFAULT_PLATFORM' }),
  privileged: on('Give extended privileges to this container'),
  publish: list("Publish a container's port(s) to the host", 'p'),
  'publish-all': on('Publish all exposed ports to random ports', 'P'),
  pull: text('Pull image before running (always|missing|never)'),
  quiet: on('Suppress the pull output', 'q'),
  'read-only': on("Mount the container's root filesystem as read only"),
  restart: text('Restart policy to apply when a container exits (no|on-failure[:max-retries]|always|unless-stopped)'),
  rm: on('Automatically remove the container when it exits'),
  runtime: text('Backend or OCI runtime to use for this container (linux, wasi, runc, /path/to/crun)'),
  'security-opt': list('Security Options'),
  'shm-size': text('Size of /dev/shm'),
  'stop-signal': text('Signal to stop the container'),
  'stop-timeout': text('Timeout (in seconds) to stop a container'),
  sysctl: list('Sysctl options'),
  timeout: text('Stop the container when it has run for so long (ms|s|m|h)'),
  tmpfs: list('Mount a tmpfs directory'),
  tty: on('Allocate a pseudo-TTY', 't'),
  ulimit: list('Ulimit options'),
  user: text('Username or UID (format: <name|uid>[:<group|gid>])', 'u'),
  userns: text('User namespace to use'),
  uts: text('UTS namespace to use'),
  volume: list('Bind mount a volume', 'v'),
  'volumes-from': list('Mount volumes from the specified container(s)'),
  'wasi-clock': text('Let a WebAssembly module see the same times in every run, from this one on'),
  'wasi-engine': text('Engine for a WebAssembly module (preview1|wasmer|component)'),
  'wasi-seed': text('Give a WebAssembly module the same random bytes in every run'),
  workdir: text('Working directory inside the container', 'w'),
}

/** Those of an attached start as well. */
export const runFlags = {
  ...createFlags,
  detach: on('Run container in background and print container ID', 'd'),
  'detach-keys': text('Override the key sequence for detaching a container'),
  'sig-proxy': Flags.boolean({ description: 'Proxy received signals to the process', allowNo: true, default: true }),
}
