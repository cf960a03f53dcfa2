// Takes out of index.d.ts what came with the mark of a raw string, since a macro made it, and what only the loader exports.
import { readFileSync, writeFileSync } from 'node:fs'

const file = process.argv[2] ?? 'index.d.ts'
const types = readFileSync(file, 'utf8')
  .replace(/\* r"( |$)/gm, (_, space) => `*${space}`)
  .replace(/\/\*\*(?:(?!\*\/)[^])*\*\/\nexport declare const __napiBindingTarget.*\n\n?/, '')
writeFileSync(file, types)
