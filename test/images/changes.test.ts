import assert from 'node:assert/strict'
import { describe, it } from 'mocha'
import { applyChanges } from '../../src/images/changes.ts'

describe('changes of an import', () => {
  it('read commands in both forms', () => {
    assert.deepEqual(applyChanges({}, ['CMD ["a", "b"]', 'entrypoint echo "$HOME"']), {
      Cmd: ['a', 'b'],
      Entrypoint: ['/bin/sh', '-c', 'echo "$HOME"'],
    })
  })

  it('read variables and labels, quoted and old', () => {
    assert.deepEqual(applyChanges({ Env: ['A=0', 'Z=1'] }, ['ENV A=1 B="2 3"', 'ENV C 4 5', "LABEL x='y z' v=\\ w"]), {
      Env: ['Z=1', 'A=1', 'B=2 3', 'C=4 5'],
      Labels: { x: 'y z', v: ' w' },
    })
  })

  it('read ports, volumes, users, directories, signals, triggers', () => {
    assert.deepEqual(
      applyChanges({}, [
        'EXPOSE 80 53/UDP',
        'VOLUME ["/a b"]',
        'VOLUME /c',
        'USER 1:2',
        'WORKDIR /w',
        'WORKDIR x',
        'STOPSIGNAL SIGINT',
        'ONBUILD RUN x',
      ]),
      {
        ExposedPorts: { '80/tcp': {}, '53/udp': {} },
        Volumes: { '/a b': {}, '/c': {} },
        User: '1:2',
        WorkingDir: '/w/x',
        StopSignal: 'SIGINT',
        OnBuild: ['RUN x'],
      },
    )
  })

  it('read health checks with their times in nanoseconds', () => {
    assert.deepEqual(applyChanges({}, ['HEALTHCHECK --interval=1m30s --retries=3 CMD curl -f x']).Healthcheck, {
      Test: ['CMD-SHELL', 'curl -f x'],
      Interval: 90e9,
      Retries: 3,
    })
    assert.deepEqual(applyChanges({}, ['HEALTHCHECK NONE']).Healthcheck, { Test: ['NONE'] })
  })

  it('refuse what no image config can hold', () => {
    for (const change of [
      'RUN x',
      'FROM y',
      'CMD',
      'EXPOSE http',
      'USER a b',
      'LABEL =x',
      'HEALTHCHECK --soon=1s CMD x',
    ]) {
      assert.throws(() => applyChanges({}, [change]), { code: 'INVALID_ARGUMENT' }, change)
    }
  })
})
