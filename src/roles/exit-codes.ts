/** A restart would change nothing until a person does something (EX_CONFIG of sysexits.h). */
export const EXIT_FATAL = 78;
/** Ended to be started again (EX_TEMPFAIL of sysexits.h). */
export const EXIT_RESTART = 75;
