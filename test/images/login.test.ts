import assert from 'node:assert/strict'
import { describe, it } from 'mocha'
import type { ImageContext } from '../../src/images/context.ts'
import { login, logout } from '../../src/images/login.ts'

/** Notes what would be tried and stored. */
function notes(plainTextPath?: string) {
  const calls: unknown[] = []
  const context = {
    registry: {
      login: async (...args: unknown[]) => {
        calls.push(['try', ...args])
        return { identityToken: 'token' }
      },
    },
    credentials: {
      store: async (...args: unknown[]) => {
        calls.push(['store', ...args])
        return { plainTextPath }
      },
      erase: async (...args: unknown[]) => void calls.push(['erase', ...args]),
    },
  } as unknown as ImageContext
  return { calls, context }
}

describe('login', () => {
  it('tries the credentials before it stores them, and warns of plain text', async () => {
    const { calls, context } = notes('/root/.docker/config.json')
    const result = await login(context, { registry: 'https://registry.example/v2/', username: 'me', password: 'pw' })
    assert.equal(result.message, 'Login Succeeded')
    assert.match(
      result.warning ?? '',
      /^WARNING! Your credentials are stored unencrypted in '\/root\/.docker\/config.json'/,
    )
    assert.deepEqual(calls, [
      ['try', 'registry.example', { username: 'me', password: 'pw' }],
      ['store', 'registry.example', { username: 'me', password: 'pw', identityToken: 'token' }],
    ])
  })

  it('means Docker Hub without a name, and wants both name and password', async () => {
    const { calls, context } = notes()
    assert.deepEqual(await login(context, { username: 'me', password: 'pw' }), { message: 'Login Succeeded' })
    assert.equal((calls[0] as string[])[1], 'docker.io')
    await assert.rejects(login(context, { username: 'me', password: '' }), /password is empty/)
    assert.equal((await logout(context)).message, 'Removing login credentials for https://index.docker.io/v1/')
  })
})
