/** `plugins create --template backend`: an npm plugin with an isolation backend that works. */
import { CONTRACT_VERSION } from './plugin.ts'

export function backendFiles(name: string): Record<string, string> {
  const document = {
    name: `coracle-plugin-${name}`,
    version: '1.0.0',
    description: `The isolation backend ${name}`,
    license: 'UNLICENSED',
    type: 'module',
    files: ['backend.js'],
    scripts: { test: 'node --test' },
    peerDependencies: { coracle: '*' },
    peerDependenciesMeta: { coracle: { optional: true } },
    oclif: {},
    coracle: { contract: `^${CONTRACT_VERSION}`, backends: { [name]: './backend.js' } },
  }
  return {
    'package.json': `${JSON.stringify(document, null, 2)}\n`,
    'backend.js': BACKEND,
    'backend.test.js': test(name),
    'README.md': readme(name),
  }
}

const BACKEND = `/**
 * An isolation backend. It answers with plans: lists of steps that Coracle's native program takes, the last of which is
 * the program itself. This one gives a container its own root, processes and network, and docker's capabilities; limits
 * and networks come with the bundle. It has no seccomp filter: think about what yours is for.
 */
import { join } from 'node:path'
import { defineBackend } from 'coracle/plugin'

/** @import { Bundle, ChildStep, LaunchPlan } from 'coracle/plugin' */

/** One bit for each: docker's usual ones. */
const CAPABILITIES = 0xa80425fbn

export default defineBackend(({ name }) => ({
  name,
  check({ os, architecture }) {
    if (os !== 'linux') return { ok: false, reason: \`\${name} does not run \${os}/\${architecture}\` }
    if (process.geteuid?.() !== 0) return { ok: false, reason: \`\${name} needs root\`, hint: 'call coracle as root' }
    return { ok: true }
  },
  plan: async (bundle) => plan(bundle),
  async planExec() {
    throw Object.assign(new Error(\`\${name} runs one process only\`), { hint: 'start a container of its own' })
  },
  stats: ({ cgroup }) => cgroup.usage(),
  update: ({ cgroup }, resources) => cgroup.update(resources),
  pause: ({ cgroup }) => cgroup.freeze(),
  resume: ({ cgroup }) => cgroup.thaw(),
  async destroy() {}, // it has left nothing: mounts and namespaces go with the last process
}))

/** @type {(bundle: Bundle) => LaunchPlan} */
function plan({ spec, rootfs, directory, network, cgroup }) {
  if (rootfs.kind === 'module') throw new Error('it does not run WebAssembly')
  const at = join(directory, 'rootfs')
  const { args = [], env = [], cwd = '/', user = { uid: 0, gid: 0 }, terminal = false } = spec.process ?? {}
  const sets = { bounding: CAPABILITIES, effective: CAPABILITIES, permitted: CAPABILITIES }
  return {
    namespaces: ['mount', 'pid', 'ipc', 'uts', ...(network === undefined ? [] : [/** @type {const} */ ('network')])],
    before: [...cgroup.before, ...(network?.before ?? [])],
    after: [...cgroup.after, ...(network?.after ?? [])],
    child: [
      { do: 'propagation', path: '/', value: 'rslave' },
      ...(network === undefined ? [] : [/** @type {ChildStep} */ ({ do: 'loopback-up' }), ...network.child]),
      rootfs.lower.length === 0
        ? { do: 'root-bind', at, source: rootfs.upper }
        : { do: 'root-overlay', at, lower: rootfs.lower, upper: rootfs.upper, work: rootfs.work, options: [] },
      {
        do: 'mount',
        type: 'proc',
        source: 'proc',
        target: '/proc',
        flags: ['nosuid', 'nodev', 'noexec'],
        data: '',
        create: 'directory',
        optional: false,
      },
      { do: 'mask', target: '/proc/sysrq-trigger' },
      { do: 'read-only', target: '/proc/sys' },
      { do: 'move-root', at },
      { do: 'hostname', name: spec.hostname ?? 'container' },
      { do: 'session', terminal, console: false },
      { do: 'cwd', path: cwd, create: true, uid: user.uid, gid: user.gid },
      { do: 'user', uid: user.uid, gid: user.gid, groups: user.additionalGids ?? [] },
      { do: 'capabilities', ...sets, inheritable: 0n, ambient: 0n },
      { do: 'no-new-privileges' },
      { do: 'exec', file: args[0] ?? '', argv: args, env },
    ],
  }
}
`

function test(name: string): string {
  return `// npm test
import { it } from 'node:test'
import { backendSuite } from 'coracle/plugin/testing'
import create from './backend.js'

const context = { name: '${name}', dataDirectory: '/nowhere', runDirectory: '/nowhere' }

for (const { title, run } of backendSuite(() => create(context))) it(title, run)
`
}

function readme(name: string): string {
  return `# coracle-plugin-${name}

\`\`\`sh
npm test
coracle plugins link .
coracle run --rm --runtime ${name} busybox echo hello
npm pack && coracle plugins install ./coracle-plugin-${name}-1.0.0.tgz
\`\`\`

\`node_modules/coracle\` leads to the Coracle that made this, for \`npm test\` and for your editor; \`npm link coracle\` does the same.
`
}
