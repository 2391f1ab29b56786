/** Messages of the engine name options as a command line does, and commands to go on with: here both are in the page. */
export function inThePage(message: string): string {
  return message
    .replace(/; (?:go on with|begin it again with): .*$/s, "; press Go on")
    .replace(/\n`--dataset petals` needs nothing\.$/, "")
    .replace(/--([a-z]+(?:-[a-z]+)*)/g, (_, name: string) => name.replaceAll("-", " "));
}
