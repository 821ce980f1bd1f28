import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { copyFileSync, mkdirSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { before, describe, it } from 'mocha'
import { packageRoot } from '../../src/package-root.ts'
import { keptDirectory, scratchDirectory } from '../support/scratch.ts'

const ELF_MACHINE = { x64: 62, arm64: 183 } as const
/** What a user's shell has: no node_modules/.bin of this checkout, no settings of the npm that runs the tests. */
const userEnv = Object.fromEntries(
  Object.entries({
    ...process.env,
    PATH: (process.env['PATH'] ?? '')
      .split(':')
      .filter((entry) => !entry.includes('/node_modules/'))
      .join(':'),
  }).filter(([name]) => !/^npm_/i.test(name)),
)

function run(program: string, args: readonly string[], env: NodeJS.ProcessEnv = userEnv): string {
  return execFileSync(program, args, { cwd: packageRoot, env, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] })
}

describe('the published package', function () {
  this.timeout(600_000)

  it('has no dependency that needs an install script', () => {
    const lock = JSON.parse(readFileSync(join(packageRoot, 'package-lock.json'), 'utf8')) as {
      packages: Record<string, { dev?: boolean; hasInstallScript?: boolean }>
    }
    const scripted = Object.entries(lock.packages).filter(
      ([, entry]) => entry.hasInstallScript === true && entry.dev !== true,
    )
    assert.deepEqual(scripted, [])
  })

  describe('packed, and installed into an empty prefix', () => {
    let prefix = ''

    before(async () => {
      const scratch = await keptDirectory('coracle-pack-')
      prefix = join(scratch, 'prefix')
      mkdirSync(prefix)
      run('npm', ['pack', '--silent', '--pack-destination', scratch])
      const tarball = readdirSync(scratch).find((name) => name.endsWith('.tgz'))
      assert(tarball)
      run('npm', [
        'install',
        '--global',
        '--silent',
        '--no-audit',
        '--no-fund',
        '--prefix',
        prefix,
        join(scratch, tarball),
      ])
    })

    it('carries a static native program for x64 and for arm64', () => {
      const native = join(prefix, 'lib/node_modules/coracle/native')
      for (const [arch, machine] of Object.entries(ELF_MACHINE)) {
        const elf = readFileSync(join(native, arch, 'coracle-native'))
        assert.equal(elf.readUInt32BE(0), 0x7f454c46)
        assert.equal(elf.readUInt16LE(18), machine)
        assert(!elf.includes('/lib/ld-linux'), `${arch} asks for a dynamic loader`)
      }
    })

    it('runs a container, whatever Node the host has', async function () {
      if (process.getuid?.() !== 0) {
        console.log('skipped: a container with its own root needs root here')
        return this.skip()
      }
      const scratch = await scratchDirectory()
      const env = { ...userEnv, CORACLE_ROOT: join(scratch, 'root'), CORACLE_RUN: join(scratch, 'run') }
      const coracle = (...args: string[]) => run(join(prefix, 'bin/coracle'), args, env)
      mkdirSync(join(scratch, 'rootfs/bin'), { recursive: true })
      copyFileSync(run('sh', ['-c', 'command -v busybox']).trim(), join(scratch, 'rootfs/bin/busybox'))
      run('tar', ['-C', join(scratch, 'rootfs'), '-cf', join(scratch, 'rootfs.tar'), '.'])

      coracle('import', join(scratch, 'rootfs.tar'), 'packed:1')
      const output = coracle('run', '--rm', 'packed:1', '/bin/busybox', 'echo', 'from the package')

      coracle('network', 'prune', '-f') // what would do so a moment later goes with the package

      assert.equal(output, 'from the package\n')
    })
  })
})
