// Every operation of operations.json is there, documented and typed.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { test } from 'node:test'
import * as esm from 'itsm-adapter'

const cjs = createRequire(import.meta.url)('itsm-adapter')
const operations = JSON.parse(readFileSync(new URL('../../tests/scenarios/operations.json', import.meta.url)))
const types = readFileSync(new URL('../index.d.ts', import.meta.url), 'utf8')
const camel = text => text.replace(/_([a-z])/g, (_, letter) => letter.toUpperCase())
/** Functions of the module, and operations that belong to a class itself. */
const module = ['forwardLogs', 'egressRanges']

function declared(owner, name) {
  const blocks = [...types.matchAll(new RegExp(`export (?:declare class|interface) ${owner}\\b[^{]*{\\n([^]*?)\\n}`, 'g'))]
  const text = owner ? blocks.map(([, block]) => block).join('\n') : types
  const found = new RegExp(`\\*/\\n\\s*(?:export declare function |static |get )?${name}(\\(.*\\)|): (.*)`).exec(text)
  return found && { parameters: found[1], result: found[2] }
}

for (const [resource, names] of Object.entries(operations)) {
  for (const name of names.map(camel)) {
    test(`${resource}.${name} is there, documented and typed`, () => {
      const owner = module.includes(name) ? '' : resource[0].toUpperCase() + resource.slice(1)
      const home = owner ? esm[owner].prototype : esm
      assert.ok(name in home || name in esm[owner], 'it is there')
      const found = declared(owner, name)
      assert.ok(found, 'it is declared with a comment before it')
      assert.doesNotMatch(found.parameters + found.result, /\bany\b|unknown/)
      if (/Promise<|AsyncGenerator</.test(found.result)) assert.match(found.parameters, /(options|call)\?: CallOptions/)
    })
  }
}

test('nothing is there that the list does not name', () => {
  const known = new Set(Object.values(operations).flat().map(camel))
  const own = ['constructor', 'iterate', 'next', 'return', 'panicOnPurpose', ...Object.keys(operations)]
  for (const owner of Object.keys(operations).map(resource => resource[0].toUpperCase() + resource.slice(1))) {
    const extra = Object.getOwnPropertyNames(esm[owner].prototype).filter(name => !known.has(name) && !own.includes(name))
    assert.deepEqual(extra, [], owner)
  }
})

test('the types declare nothing that the module does not have', () => {
  for (const [, name] of types.matchAll(/^export declare (?:class|function|const) (\w+)/gm)) assert.ok(name in esm, name)
})

test('import and require give the same', () => {
  assert.deepEqual(Object.keys(esm).sort(), Object.keys(cjs).sort())
  for (const name of Object.keys(cjs)) assert.equal(esm[name], cjs[name], name)
})
