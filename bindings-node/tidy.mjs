// Takes out of index.d.ts what the face does not export, and the mark of a raw string, which documentation has that came
// through a macro.
import { readFileSync, writeFileSync } from 'node:fs'

const file = process.argv[2] ?? 'index.d.ts'
const types = readFileSync(file, 'utf8')
  .replace(/\* r"( |$)/gm, (_, space) => `*${space}`)
  .replace(/\/\*\*(?:(?!\*\/)[^])*\*\/\nexport declare (?:const __napiBindingTarget.*|class Walk {\n*})\n\n?/g, '')
writeFileSync(file, types)
