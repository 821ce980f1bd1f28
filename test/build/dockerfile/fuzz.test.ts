/** Whatever is written into a Dockerfile, it is understood or refused with its own error, and soon. */
import assert from 'node:assert/strict'
import fc from 'fast-check'
import { describe, it } from 'mocha'
import { DockerfileInvalid } from '../../../src/build/dockerfile/errors.ts'
import { parseDockerfile } from '../../../src/build/dockerfile/parse.ts'
import { runCommand } from '../../../src/build/dockerfile/run-command.ts'
import { StageScope } from '../../../src/build/dockerfile/scope.ts'
import { planStages } from '../../../src/build/dockerfile/stages.ts'
import { lintDockerfile } from '../../../src/build/lint/lint.ts'
import { buildSettings } from '../../support/dockerfiles.ts'

const SEEDS = [
  `# syntax=docker/dockerfile:1
# escape=\\
# check=skip=all;error=false
ARG VERSION=20 BASE=node:\${VERSION:-18}-alpine
# deps installs packages
FROM --platform=$BUILDPLATFORM \${BASE} AS deps
ARG VERSION
WORKDIR /app
COPY --link package.json package-lock.json ./
RUN --mount=type=cache,target=/root/.npm,sharing=locked --mount=type=secret,id=npmrc,target=/root/.npmrc \\
    # install
    npm ci --omit=dev && \\

    npm cache clean --force
FROM deps AS build
COPY --exclude=*.md --chown=1000:1000 . .
RUN <<EOF
set -e
npm run build
EOF
RUN <<-"PY" python3 - 3<<DATA
\tprint("$x")
\tPY
data
DATA
FROM scratch
COPY --from=build --chmod=755 /app/dist /srv/
COPY <<conf <<'raw' /etc/x/
v=\${VERSION}
conf
$raw
raw
ENV PATH=/srv:$PATH NODE_ENV="production" A='b c' D=e\\ f
ENV OLD some value
LABEL org.opencontainers.image.title="x y" b=\${VERSION#2}
EXPOSE 80 443/tcp 8000-8010/udp $PORT
VOLUME ["/data", "/logs"]
USER 1000:1000
STOPSIGNAL SIGINT
SHELL ["/bin/bash", "-o", "pipefail", "-c"]
HEALTHCHECK --interval=30s --timeout=3s --retries=3 CMD curl -f http://localhost/ || exit 1
ONBUILD COPY --from=deps <<a /x
1
a
ENTRYPOINT ["/srv/server"]
CMD ["--port", "80"]
MAINTAINER me
ADD --checksum=sha256:abc https://example.org/a.tar.gz /a/
`,
  'FROM alpine\r\nRUN echo `\r\n\r\nCMD ["sh"]\r\n',
  '# escape=`\nFROM x\nCOPY a `\n  b c:\\\n',
]

/** Through everything that a build does before it looks at a file. */
function understand(bytes: Uint8Array): void {
  const dockerfile = parseDockerfile(bytes)
  const settings = buildSettings({ VERSION: '22' })
  const plan = planStages(dockerfile, settings)
  const { source, directives } = dockerfile
  const { globals, budget } = plan
  for (const { stage } of plan.stages) {
    const options = {
      source,
      escape: directives.escape,
      globals,
      buildArgs: settings.buildArgs,
      environment: [],
      budget,
    }
    const scope = new StageScope(options)
    for (const instruction of stage.instructions) {
      scope.expand(instruction)
      if (instruction.kind === 'RUN') runCommand(instruction, ['/bin/sh', '-c'])
    }
  }
  lintDockerfile(plan, { settings, check: directives.check, stages: plan.stages })
}

function refusedOrUnderstood(bytes: Uint8Array): void {
  try {
    understand(bytes)
  } catch (error) {
    assert(error instanceof DockerfileInvalid, error instanceof Error ? (error.stack ?? error.message) : String(error))
    assert(error.message.length < 8000, `a message of ${error.message.length} characters`)
  }
}

const INTERESTING = [
  ...['<<', '<<-', '\\', '\\\n', '`', '"', "'", '$', '${', '}', ':-', '[', ']', '\n', '\r\n', '#', '--', '=', ','],
  ...[' ', '\t', '\0', 'EOF', 'FROM ', 'COPY ', 'RUN ', 'ONBUILD ', 'ARG ', '/', '*', '😀'],
]

/** Some pieces taken out, doubled, moved, or put in. */
const mutated = fc
  .tuple(
    fc.constantFrom(...SEEDS),
    fc.array(
      fc.record({
        at: fc.double({ min: 0, max: 1, noNaN: true }),
        length: fc.nat(40),
        put: fc.oneof(fc.constantFrom(...INTERESTING), fc.string({ maxLength: 5 }), fc.constant('')),
        double: fc.boolean(),
      }),
      { minLength: 1, maxLength: 8 },
    ),
  )
  .map(([seed, changes]) =>
    changes.reduce((text, { at, length, put, double }) => {
      const start = Math.floor(at * text.length)
      const taken = text.slice(start, start + length)
      return `${text.slice(0, start)}${put}${double ? `${taken}${taken}` : ''}${text.slice(start + length)}`
    }, seed),
  )

describe('a Dockerfile with mistakes', () => {
  it('is understood without them', () => {
    understand(new TextEncoder().encode(SEEDS[0] ?? ''))
  })

  it('is understood or refused', () => {
    fc.assert(
      fc.property(mutated, (text) => refusedOrUnderstood(new TextEncoder().encode(text))),
      { numRuns: 3000 },
    )
  })

  it('is understood or refused when it is no text', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (noise) =>
        refusedOrUnderstood(Buffer.concat([Buffer.from('FROM x\n'), noise])),
      ),
      { numRuns: 1000 },
    )
  })

  const MEGABYTE = 1 << 20
  const fill = (text: string) => text.repeat(Math.ceil(MEGABYTE / text.length))
  for (const [name, text] of [
    ['one long line', `FROM x\nRUN ${fill('a ')}`],
    ['a long word', `FROM x\nENV a=${fill('a')}`],
    ['many blanks', `FROM x\nRUN a${fill(' ')}b`],
    ['many blanks behind a directive', `# syntax=a${fill(' ')}b\nFROM x`],
    ['a long comment', `# ${fill('c')}\nFROM x`],
    ['many empty lines', `FROM x\nRUN a \\\n${fill('\n')}b`],
    ['many continued lines', `FROM x\nRUN a ${fill('\\\n')}b`],
    ['many backslashes', `FROM x\nENV a=${fill('\\')}`],
    ['many quotes', `FROM x\nENV a=${fill('"')}`],
    ['many quotes of two kinds', `FROM x\nENV a=${fill(`"'`)}`],
    ['many variables', `FROM x\nENV a=${fill('$a')}`],
    ['nested variables', `FROM x\nENV a=${fill('${a:-')}`],
    ['many dollars', `FROM x\nENV a=${fill('$')}`],
    ['many pairs', `FROM x\nENV ${fill('a=1 ')}`],
    ['many names', `FROM x\nARG ${Array.from({ length: 100_000 }, (_, index) => `v${index}`).join(' ')}`],
    ['many flags', `FROM x\nCOPY ${fill('--exclude=a ')}a b`],
    ['a long unknown flag', `FROM x\nCOPY --${fill('x')} a b`],
    ['a long unknown instruction', `FROM x\n${fill('X')}`],
    ['many heredocs', `FROM x\nRUN ${fill('<<a ')}`],
    ['many heredocs with ends', `FROM x\nRUN ${'<<a '.repeat(50_000)}\n${'a\n'.repeat(50_000)}`],
    ['many brackets', `FROM x\nRUN ${fill('<')}`],
    ['a heredoc with blanks before its name', `FROM x\nRUN << ${fill(' ')}<a`],
    ['a long name of a heredoc', `FROM x\nRUN <<${fill(`"a"`)}`],
    ['a long body', `FROM x\nRUN <<a\n${fill('line\n')}a`],
    ['a long body without end', `FROM x\nCOPY <<a /b\n${fill('line\n')}`],
    ['nested arrays', `FROM x\nRUN ${fill('[')}`],
    ['a long array', `FROM x\nRUN [${fill('"a",')}"b"]`],
    ['many sources', `FROM x\nCOPY ${fill('a ')} b`],
    ['many mounts', `FROM x\nRUN ${fill('--mount=type=tmpfs,target=/a ')} x`],
    ['a long mount', `FROM x\nRUN --mount=${fill('target=/a,')} x`],
    ['quotes in a mount', `FROM x\nRUN --mount='${fill('""')}' x`],
    ['many ports', `FROM x\nEXPOSE ${fill('1-65535 ').slice(0, 4000)}`],
    ['many stages', fill('FROM x\n')],
    ['many instructions', `FROM x\n${fill('USER a\n')}`],
    ['a chain of stages', Array.from({ length: 999 }, (_, index) => `FROM s${index} AS s${index + 1}\n`).join('')],
    ['many comments', `${fill('# c\n')}FROM x`],
    ['a long message', `FROM x\nENV a=\${b:?${fill('m')}}`],
    ['a long platform', `FROM --platform=${fill('p')} x`],
    ['a long stage', `FROM x AS ${fill('s')}`],
    ['a long source', `FROM x\nCOPY --from=${fill('s')} a b`],
    ['a long name', `FROM x$${fill('n')}`],
    [
      'many globals',
      `${Array.from({ length: 50_000 }, (_, index) => `ARG v${index}=${index}\n`).join('')}${'FROM x$v\n'.repeat(900)}`,
    ],
    ['globals that grow', `ARG a=${'a'.repeat(500_000)}\n${'ARG b=$a.\n'.repeat(50_000)}FROM x`],
    ['labels that grow', `FROM x\nENV a=${'a'.repeat(500_000)}\n${'LABEL b=$a.\n'.repeat(50_000)}`],
    ['many triggers', `FROM x\n${fill('ONBUILD USER a\n')}`],
    ['nested triggers', `FROM x\n${fill('ONBUILD ')}`],
    ['a long pattern', `FROM x\nENV a=${fill('a')}\nENV b=\${a#${'*a'.repeat(1000)}}`],
    ['many patterns', `FROM x\nENV a=${'a'.repeat(1000)}\nENV b=${'${a%%*b*c*d}'.repeat(2000)}`],
  ] as const)
    it(`does not take long over ${name}`, () => {
      refusedOrUnderstood(new TextEncoder().encode(text))
    })

  it('is refused when it is larger than anybody writes', () => {
    assert.throws(() => parseDockerfile(new Uint8Array((16 << 20) + 1)), DockerfileInvalid)
  })
})
