/** The engine narrows the umask of its process, which in tests is the next file's as well. */
const before = process.umask();
afterAll(() => void process.umask(before));
