/** The variable in which the suite names a folder that is memory, where it has made one for what tests keep. */
export const memoryVariable = 'MAINSPRING_TEST_MEMORY';
