/** Terraform itself says whether what we write is HCL, and whether it means what the JSON means. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { toHcl } from '../../engine/machine/terraform/hcl';
import { cacheDir } from '../support/postgres';
import { readFixture } from '../unit/stacks/support';

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(path.join(tmpdir(), 'hcl-'));
});
afterEach(() => {
  rmSync(dir, { recursive: true });
});

function terraform(...args: string[]): string {
  const mirror = `provider_installation {\n  filesystem_mirror {\n    path = "${cacheDir}/providers"\n  }\n}\n`;
  const config = path.join(dir, 'terraform.rc');
  writeFileSync(config, mirror);
  const env = { PATH: process.env.PATH, HOME: dir, CHECKPOINT_DISABLE: '1', TF_CLI_CONFIG_FILE: config };
  return execFileSync(process.env.TERRAFORM_BIN ?? 'terraform', args, { cwd: dir, env, encoding: 'utf8' });
}

const names = ['hosting-direct-kernel', 'hosting-disk'] as const;

it.each(names)('%s as HCL is formatted as terraform fmt would', (name) => {
  writeFileSync(path.join(dir, 'main.tf'), toHcl(readFixture(`${name}.tf.json`)));
  expect(terraform('fmt', '-diff', '-check')).toBe('');
});

const texts = {
  plain: 'a',
  empty: '',
  lines: 'first\n  second\n\n\tthird\n',
  no_newline_at_the_end: 'first\nsecond',
  only_a_newline: '\n',
  template: 'a ${var.plain} %{ if true }b%{ endif }\n',
  template_in_a_line: '${file("/etc/passwd")} %{ for x in [] }',
  escaped_template: 'a $${b} %%{c} $$${d}\n',
  quotes: 'a "quoted" \\ and \\n\n',
  quotes_in_a_line: 'a "quoted" \\ and \\n',
  end_of_heredoc: 'EOT\n  EOT1\nx\n',
  heredoc: 'a <<EOT\nb\nEOT\n',
  other_line_ends: 'a\r\nb\rc\n',
  controls: 'a\u0007\u0000b\u2028',
  wide: '한국어 – 🙂\n',
  dollar_at_the_end: 'costs 5$\n100%\n$ {a} % {b}\n',
};

it.each(names)('%s as HCL is valid for the provider, as its JSON is', (name) => {
  const validate = (file: string, content: string): unknown => {
    writeFileSync(path.join(dir, file), content);
    terraform('init', '-input=false', '-backend=false');
    const result: unknown = JSON.parse(terraform('validate', '-json'));
    rmSync(path.join(dir, file));
    return result;
  };
  const json = readFixture(`${name}.tf.json`);
  const fine = expect.objectContaining({ valid: true, diagnostics: [] }) as unknown;
  expect(validate('main.tf', toHcl(json))).toEqual(fine);
  expect(validate('main.tf.json', json)).toEqual(fine);
});

it('HCL keeps every text of a variable as it is, and Terraform evaluates nothing in it', () => {
  const json = {
    variable: Object.fromEntries(
      Object.entries(texts).map(([name, text]) => [name, { type: 'string', default: text }]),
    ),
    output: Object.fromEntries(Object.keys(texts).map((name) => [name, { value: `\${var.${name}}` }])),
  };
  const hcl = toHcl(JSON.stringify(json));
  writeFileSync(path.join(dir, 'main.tf'), hcl);
  expect(terraform('fmt', '-diff', '-check')).toBe('');
  terraform('apply', '-auto-approve', '-no-color');
  const outputs = JSON.parse(terraform('output', '-json')) as Record<string, { value: string }>;
  expect(Object.fromEntries(Object.entries(outputs).map(([name, { value }]) => [name, value]))).toEqual(
    texts,
  );
});

it('HCL evaluates templates where JSON does, next to anything', () => {
  const texts = {
    alone: '${var.x}',
    in_a_line: 'a "${var.x}" \\ $${kept} ${split(",", var.x)[0]}',
    in_lines: '<a b="${var.x}"/>\n  $${kept}\\n\n',
  };
  const json = {
    variable: { x: { type: 'string', default: '1,2' } },
    output: Object.fromEntries(Object.entries(texts).map(([name, value]) => [name, { value }])),
  };
  const read = (file: string, content: string): unknown => {
    writeFileSync(path.join(dir, file), content);
    terraform('apply', '-auto-approve', '-no-color');
    const outputs: unknown = JSON.parse(terraform('output', '-json'));
    rmSync(path.join(dir, file));
    return outputs;
  };
  expect(read('main.tf', toHcl(JSON.stringify(json)))).toEqual(read('main.tf.json', JSON.stringify(json)));
});
