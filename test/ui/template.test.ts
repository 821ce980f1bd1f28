import assert from 'node:assert/strict'
import fc from 'fast-check'
import { describe, it } from 'mocha'
import { TemplateError } from '../../src/ui/errors.ts'
import { compileTemplate } from '../../src/ui/template/template.ts'

const data = {
  Name: 'busybox',
  Size: 3,
  Empty: '',
  Tags: ['a', 'b'],
  None: null,
  Config: { Env: ['A=1', 'B=2'], Labels: { b: '2', a: '1' } },
  Ports: [{ Port: 80 }, { Port: 443 }],
  Label: (key: unknown) => `label ${key}`,
}
const render = (template: string): string => compileTemplate(template)(data)

/** Template and what Go's text/template makes of it. */
const GOLDEN: readonly (readonly [string, string])[] = [
  ['plain text', 'plain text'],
  ['{{.Name}}', 'busybox'],
  ['{{ .Config.Env }}', '[A=1 B=2]'],
  ['{{.Config.Labels}}', 'map[a:1 b:2]'],
  ['{{.Config.Labels.a}}', '1'],
  ['{{.None}}', '<no value>'],
  ['{{.Config.Missing}}', '<no value>'],
  ['{{json .Tags}}', '["a","b"]'],
  ['{{.Tags | json}}', '["a","b"]'],
  ['{{json .}}', JSON.stringify(data)],
  ['{{join .Tags ", "}}', 'a, b'],
  ['{{upper .Name}} {{lower "ABC"}} {{title "two words"}}', 'BUSYBOX abc Two Words'],
  ['{{split "a:b" ":"}}', '[a b]'],
  ['{{truncate .Name 4}} {{slice .Name 1 3}} {{slice .Tags 1}}', 'busy us [b]'],
  ['[{{pad .Name 1 2}}{{pad .Empty 1 2}}]', '[ busybox  ]'],
  ['{{len .Tags}} {{len .Name}} {{len .Config.Labels}}', '2 7 2'],
  ['{{index .Tags 1}} {{index .Config.Labels "a"}} {{index .Config.Labels "zz"}}', 'b 1 '],
  ['{{(index .Ports 0).Port}}', '80'],
  ['{{range .Tags}}<{{.}}>{{end}}', '<a><b>'],
  ['{{range $i, $tag := .Tags}}{{$i}}={{$tag}};{{end}}', '0=a;1=b;'],
  ['{{range $k, $v := .Config.Labels}}{{$k}}{{$v}}{{end}}', 'a1b2'],
  ['{{range .None}}x{{else}}nothing{{end}}', 'nothing'],
  ['{{range .Ports}}{{.Port}} {{$.Name}} {{end}}', '80 busybox 443 busybox '],
  ['{{if .Empty}}full{{else if .Tags}}tags{{else}}none{{end}}', 'tags'],
  ['{{if and .Name (not .Empty)}}yes{{end}}', 'yes'],
  ['{{if or .Empty .None}}yes{{else}}no{{end}}', 'no'],
  ['{{with .Config}}{{len .Env}}{{end}}', '2'],
  ['{{with .Empty}}x{{else}}{{.Name}}{{end}}', 'busybox'],
  ['{{if eq .Size 3}}a{{end}}{{if ne .Size 3}}b{{end}}{{if lt .Size 4}}c{{end}}{{if ge .Size 3}}d{{end}}', 'acd'],
  ['{{eq .Name "x" "busybox"}}', 'true'],
  ['{{$x := .Name}}{{$x}}{{$x = "y"}}{{$x}}', 'busyboxy'],
  ['{{$x := 1}}{{if true}}{{$x = 2}}{{end}}{{$x}}', '2'],
  ['{{printf "%s-%05d %q %v" .Name 42 "q" .Tags}}', 'busybox-00042 "q" [a b]'],
  ['{{print 1 "a"}}{{println "end"}}', '1 aend\n'],
  ['a {{- /* comment */ -}} b', 'ab'],
  ['a  {{- .Name -}}  b', 'abusyboxb'],
  ['{{"}}"}}{{`raw "`}}', '}}raw "'],
  ['{{.Label "x"}}', 'label x'],
]

/** Template and what the message says. */
const REFUSED: readonly (readonly [string, RegExp])[] = [
  ['{{.Name', /unclosed action/],
  ['{{.Nope}}', /can't evaluate field Nope/],
  ['{{nope .Name}}', /function "nope" not defined/],
  ['{{if .Name}}x', /unexpected EOF/],
  ['{{end}}', /unexpected \{\{end\}\}/],
  ['{{$y}}', /undefined variable "\$y"/],
  ['{{index .Tags 7}}', /index out of range: 7/],
  ['{{(len .Tags}}', /unclosed left paren/],
  ['{{.Name | }}', /missing value for command/],
  ['{{eq .Name 1}}', /incompatible types/],
  ['{{.Name "x"}}', /can't give argument to non-function/],
  ['{{constructor}}', /function "constructor" not defined/],
  ['{{.constructor}}', /can't evaluate field constructor/],
  ['{{range .Name}}{{end}}', /range can't iterate/],
  ['{{pad .Name 99999999 0}}', /a number from 0 to 65536/],
  ['{{"\\y"}}', /unknown escape sequence/],
]

describe('compileTemplate', () => {
  for (const [template, expected] of GOLDEN) {
    it(`renders ${JSON.stringify(template)}`, () => assert.equal(render(template), expected))
  }

  for (const [template, message] of REFUSED) {
    it(`refuses ${JSON.stringify(template)}`, () => {
      assert.throws(
        () => render(template),
        (error: Error) =>
          error instanceof TemplateError &&
          error.message.startsWith('template parsing error: ') &&
          message.test(error.message),
      )
    })
  }

  it('refuses templates nested without end instead of running out of stack', () => {
    assert.throws(() => render(`${'{{if 1}}'.repeat(1000)}${'{{end}}'.repeat(1000)}`), TemplateError)
    assert.throws(() => render(`{{${'('.repeat(1000)}1${')'.repeat(1000)}}}`), TemplateError)
  })

  it('renders or refuses whatever is typed, and never fails in another way', () => {
    const part = fc.oneof(
      fc.string({ maxLength: 6 }),
      fc.constantFrom(
        '{{',
        '}}',
        '{{-',
        '-}}',
        '.Name',
        '.Tags',
        'range ',
        'if ',
        'end',
        'else ',
        '"',
        '`',
        '$x := ',
        '|',
      ),
      fc.constantFrom(
        'json ',
        'index ',
        'slice ',
        'printf ',
        '(',
        ')',
        ' 1',
        ' -1',
        '"%d%s"',
        '.Config',
        '.Label',
        '.',
        ' ',
      ),
    )
    fc.assert(
      fc.property(fc.array(part, { maxLength: 12 }), (parts) => {
        try {
          assert.equal(typeof render(`${parts[0] ?? ''}{{${parts.slice(1).join('')}}}`), 'string')
        } catch (error) {
          assert(error instanceof TemplateError, String(error))
        }
      }),
      { numRuns: 2000 },
    )
  })
})
