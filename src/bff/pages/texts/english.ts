import type { EndReasonName } from '../../../client/index.ts';
import type { MessageCode, NoticeCode, TimelineKindName } from '../../views.ts';

interface Titled {
  readonly title: string;
  /** What it means, and what to do. Empty: the title says it all. */
  readonly text: string;
}

interface EndTexts {
  readonly why: string;
  readonly advice: string;
}

const notices: Readonly<Record<NoticeCode, Titled>> = {
  'signed-out': { title: 'You are signed out.', text: '' },
  'password-changed': {
    title: 'Your password is changed.',
    text: 'All your other devices are signed out.',
  },
  'session-ended-by-you': { title: 'That device is signed out.', text: '' },
  'others-ended': { title: 'All your other devices are signed out.', text: '' },
  'identity-linked': { title: 'The account is linked.', text: 'You can sign in with it from now on.' },
  'identity-unlinked': { title: 'The account is unlinked.', text: 'It cannot sign you in any more.' },
  'invalid-credentials': {
    title: 'The username or the password is wrong.',
    text: 'Check both and try again.',
  },
  'username-missing': { title: 'Enter your username.', text: '' },
  'password-missing': { title: 'Enter your password.', text: '' },
  'passwords-differ': { title: 'The two new passwords differ.', text: 'Type both again.' },
  'wrong-current-password': {
    title: 'The current password is wrong.',
    text: 'Nothing was changed. Try again.',
  },
  'new-password-refused': { title: 'Choose another new password.', text: 'Nothing was changed.' },
  'digits-missing': {
    title: 'Enter the two digits.',
    text: 'They are on the screen of the device that you want to sign in.',
  },
  'session-limit': {
    title: 'You are signed in on as many devices as you may be.',
    text: 'Choose one to sign out.',
  },
  'session-not-found': {
    title: 'That session is not known.',
    text: 'It may have ended long ago.',
  },
  'form-expired': { title: 'This page was open for too long.', text: 'Please send the form again.' },
  'too-many-attempts': {
    title: 'Too many attempts.',
    text: 'To protect your account, no more are accepted for a while.',
  },
  'service-unavailable': {
    title: 'This does not work at present.',
    text: 'Nothing was lost. Please try again in a moment.',
  },
  'end-unconfirmed': {
    title: 'It is not certain that this is done.',
    text: 'Please try again. Repeating it does no harm.',
  },
  'sign-in-risk': {
    title: 'This sign-in looked unusual and was refused.',
    text: 'Try again from a device or a network that you use often, or ask your administrator.',
  },
  'form-refused': { title: 'Something in the form was refused.', text: 'Nothing was changed.' },
  'ticket-denied': { title: 'The sign-in was denied on the phone.', text: 'Nobody was signed in.' },
  'ticket-wrong-digits': {
    title: 'Those were not the right digits.',
    text: 'Nobody was signed in. Make a new code and try again.',
  },
  'ticket-approver-ended': {
    title: 'The phone was signed out.',
    text: 'Sign in on the phone, then scan a new code.',
  },
  'ticket-expired': { title: 'The code has expired.', text: 'Make a new code and scan that one.' },
  'ticket-unknown': {
    title: 'This code is not valid here.',
    text: 'It may have expired, or another phone has scanned it. Make a new code.',
  },
  'ticket-used': { title: 'The code has been used.', text: 'Make a new code and scan that one.' },
  'identity-not-linked': {
    title: 'That account is not linked to anybody here.',
    text: 'Sign in in another way, then link it under “Linked accounts”.',
  },
  'provider-refused': {
    title: 'The provider did not sign you in.',
    text: 'You may have cancelled it there. Try again, or sign in in another way.',
  },
  'provider-unavailable': {
    title: 'The provider does not answer at present.',
    text: 'Try again in a moment, or sign in in another way.',
  },
  'flow-unknown': {
    title: 'That sign-in did not begin here, or it took too long.',
    text: 'Nothing was changed. Begin again.',
  },
  'link-session-ended': {
    title: 'You were signed out meanwhile.',
    text: 'Sign in and link the account again.',
  },
  'identity-taken': {
    title: 'That account is linked to somebody else here.',
    text: 'Nothing was changed. Use another account.',
  },
  'username-taken': {
    title: 'No user could be made for that account.',
    text: 'Its name is taken here. Ask your administrator.',
  },
  'last-sign-in-method': {
    title: 'You sign in with this account only.',
    text: 'Link another one first. Nothing was changed.',
  },
};

const messages: Readonly<Record<MessageCode, Titled>> = {
  'not-found': {
    title: 'There is no such page',
    text: 'The address may have been mistyped, or the page has moved.',
  },
  'bad-request': {
    title: 'That request could not be understood',
    text: 'Nothing was changed. If it happens again, delete the cookies of this site and sign in again.',
  },
  'csrf-refused': {
    title: 'That form was not accepted',
    text: 'It was too old, or came from another site or browser. Nothing was changed. Go back, reload the page and send it again.',
  },
  'too-large': { title: 'That was too much', text: 'What you sent is too large. Nothing was changed.' },
  'unsupported-type': {
    title: 'That kind of content is not accepted',
    text: 'Nothing was changed. Use the forms of these pages.',
  },
  'too-many-requests': {
    title: 'Too many requests',
    text: 'For a while no more are accepted from you. Please wait, then try again.',
  },
  'token-too-large': {
    title: 'Your account does not fit into this browser',
    text: 'It has more roles than a cookie can hold. Ask your administrator to give it fewer.',
  },
  'service-unavailable': {
    title: 'We will be right back',
    text: 'The service does not answer at present. Nothing was lost.',
  },
  internal: {
    title: 'Something went wrong on our side',
    text: 'It was recorded. Please try again. If it happens again, give your administrator the number below.',
  },
};

const ends: Readonly<Record<EndReasonName, EndTexts>> = {
  UNSPECIFIED: { why: 'The session has ended.', advice: 'Sign in again to go on.' },
  LOGGED_OUT: { why: 'You signed out.', advice: 'Sign in again to go on.' },
  REPLACED: {
    why: 'A later sign-in of yours took the place of this session.',
    advice: 'If you did not sign in again, change your password.',
  },
  ENDED_BY_USER: {
    why: 'The session was ended from another of your devices.',
    advice: 'If that was not you, sign in and change your password.',
  },
  ENDED_BY_ADMIN: {
    why: 'An administrator ended the session.',
    advice: 'Ask them if you do not know why.',
  },
  REFRESH_TOKEN_REUSED: {
    why: 'Somebody may have copied the key of this session, so it was ended to protect you.',
    advice: 'Sign in, check your devices and change your password.',
  },
  PASSWORD_CHANGED: {
    why: 'The password of your account was changed.',
    advice: 'Sign in with the new one. If you did not change it, tell your administrator at once.',
  },
  USER_DISABLED: { why: 'Your account was disabled.', advice: 'Ask your administrator.' },
  USER_DELETED: { why: 'Your account was deleted.', advice: 'Ask your administrator.' },
  IDLE: { why: 'The session was not used for too long.', advice: 'Sign in again to go on.' },
  MAX_LIFETIME: { why: 'The session reached its maximum length.', advice: 'Sign in again to go on.' },
  RISK: {
    why: 'The session looked unusual, so it was ended to protect you.',
    advice: 'Sign in, check your devices and change your password.',
  },
};

const timeline: Readonly<Record<TimelineKindName, string>> = {
  UNSPECIFIED: 'Something happened',
  OPENED: 'Signed in',
  REFRESHED: 'Last used',
  REPLAYED: 'Renewal repeated',
  MOVED: 'Moved to another address',
  REFUSED: 'Renewal refused',
  ENDED: 'Ended',
  ANOMALY: 'Something unusual',
  PASSWORD_CHANGE_FAILED: 'Change of the password refused',
};

/** Texts in English. Its type is the type of every language. */
export const english = {
  common: {
    languageTag: 'en',
    otherLanguage: '中文',
    skip: 'Skip to the content',
    menu: 'Your account',
    devices: 'Devices',
    password: 'Password',
    providers: 'Linked accounts',
    api: 'API',
    signIn: 'Sign in',
    signOut: 'Sign out',
    unknownDevice: 'Unknown device',
    unknown: 'Not known',
    joint: ' ',
    retryIn: 'Try again in {}.',
    signedInAs: 'You are signed in as {}.',
    footer: 'Sessions that end when you say so.',
  },
  notices,
  messages,
  ends,
  signIn: {
    title: 'Sign in',
    lead: 'Welcome back.',
    username: 'Username',
    password: 'Password',
    submit: 'Sign in',
    or: 'or',
    withProvider: 'Continue with {}',
    leaving: 'You sign in there and then return.',
    endedTitle: 'You were signed out.',
    limitLegend: 'Sign out one of these devices',
    limitPassword: 'Then type your password again.',
    lastUsed: 'Last used',
    phoneTitle: 'Use your phone',
    phoneLead: 'Point the camera of a phone that is signed in at this code.',
    imageLabel: 'QR code to scan with your phone',
    scannedTitle: 'Look at your phone',
    scannedLead: 'If it shows this device, type these two digits there.',
    digits: 'Type {} on your phone.',
    approvedTitle: 'Approved',
    approvedLead: 'Signing you in …',
    limitTitle: 'One more step',
    continue: 'Continue',
    validFor: 'Valid for',
    newCode: 'New code',
    overTitle: 'No code here',
    overLead: 'Codes are valid for a short time only. Make a new one when you are ready.',
    noCodeLead: 'No code can be made at present. Sign in with your password, or try again in a moment.',
    deniedTitle: 'Not approved',
    deniedLead: 'The phone did not approve this sign-in. Make a new code to try again.',
    refresh: 'Approved it on your phone? Then continue.',
  },
  approve: {
    title: 'Sign in another device',
    askTitle: 'Sign in another device?',
    askLead: 'You are about to sign another device in to your account. You see which one before you decide.',
    askWarning:
      'Then stop here. Go on only with a code that you opened yourself, on a screen in front of you. No support, bank or colleague needs it.',
    askButton: 'Show the device',
    decideTitle: 'Is this your device?',
    decideLead: 'If you approve, it can do everything that you can do in your account.',
    warningTitle: 'Did somebody send you this code?',
    warning:
      'Then deny it. Approve only a code that you opened yourself, on a screen in front of you. No support, bank or colleague needs it.',
    device: 'Device',
    deviceHint: 'as it describes itself',
    account: 'Account',
    application: 'Application',
    place: 'Address',
    sameNetwork: 'Same network as you',
    otherNetwork: 'Not known to be your network',
    age: 'Opened',
    expires: 'Valid for',
    digits: 'The two digits on that screen',
    digitsHint: 'One wrong try ends the code.',
    approve: 'Approve',
    deny: 'Deny',
    leave: 'Back to my devices',
    approvedTitle: 'Approved',
    approvedLead:
      'The other device is being signed in. You find it in the list of your devices, and can sign it out there at any time.',
    deniedTitle: 'Denied',
    deniedLead: 'Nobody was signed in. If somebody asked you to scan that code, tell your administrator.',
    overTitle: 'This code cannot be used any more',
    overLead: 'If you still want to sign the other device in, make a new code there and scan it.',
  },
  devices: {
    title: 'Your devices',
    lead: 'You can sign out any of these devices. The list updates by itself.',
    current: 'This device',
    fresh: 'New',
    lastUsed: 'Last used',
    signedIn: 'Signed in',
    opened: 'How',
    methods: { pwd: 'Password', mca: 'Code and phone', otp: 'One-time code', hwk: 'Security key' },
    ends: 'Ends',
    endsIfUnused: '{}, unless it is used',
    endsLatest: '{} at the latest',
    history: 'History',
    historyOf: 'History of {}',
    end: 'Sign out',
    endOf: 'Sign out {}',
    endOthers: 'Sign out all others',
    endOthersQuestion: 'Sign out all other devices?',
    endOthersText: 'Everything but this browser is signed out at once.',
    endOthersYes: 'Yes, sign them out',
    onlyThis: 'You are signed in on this device only.',
    ended: 'Signed out in the last 30 days',
    endedAt: 'Ended {}',
    more: 'Older ones',
    toast: '{} was signed out.',
    othersToast: 'Your other devices were signed out.',
    interrupted: 'The list may be out of date. It is brought up to date as soon as the service answers.',
  },
  history: {
    title: 'What happened',
    living: 'Signed in',
    over: 'Ended',
    livingUntil: 'It ends {} at the latest.',
    recorded: 'It ended {}.',
    between: 'It ended between {} and {}.',
    deadline: 'Nothing was recorded: it ended by itself at one of its deadlines.',
    lost: 'Nothing was recorded: it ended by itself at a deadline, or its record was lost.',
    kinds: timeline,
    by: {
      UNSPECIFIED: '',
      USER: 'By you.',
      OPERATOR: 'By an administrator.',
      SERVICE: 'By the service.',
    },
    anomalies: {
      NEW_DEVICE: 'A device that you had not used before.',
      RISK_ASSESSED: 'It was assessed as a risk.',
      TICKET_APPROVED: 'Another device was signed in from here with a code.',
      TICKET_DENIED: 'A code was denied here.',
    },
    moved: 'From {} to {}.',
    address: 'Address {}.',
    application: 'Application {}.',
    times: '{} times, the last one {}.',
    omitted: 'Earlier events after the sign-in are left out.',
    none: 'Nothing is known of it.',
    back: 'All devices',
  },
  changePassword: {
    title: 'Change your password',
    lead: 'All your other devices are signed out with it. This one stays.',
    current: 'Current password',
    next: 'New password',
    hint: 'At least 8 characters. A few unrelated words are easy to remember and hard to guess.',
    repeat: 'New password again',
    submit: 'Change the password',
  },
  linked: {
    title: 'Linked accounts',
    lead: 'You can also sign in with an account that you have elsewhere.',
    linked: 'Linked',
    none: 'No account is linked yet.',
    add: 'Link an account',
    allLinked: 'There is nothing more to link.',
    noProviders: 'No provider is set up.',
    since: 'Linked {}',
    lastUsed: 'last used {}',
    neverUsed: 'never used',
    link: 'Link',
    linkOf: 'Link {}',
    unlink: 'Unlink',
    unlinkOf: 'Unlink {}',
  },
  ended: {
    title: 'You were signed out',
    live: 'You were signed out.',
    stays: 'What you typed is still on this page.',
    keptTitle: 'What you typed',
    keptLead: 'Nothing was sent. Copy it from here. Passwords are never kept.',
    signIn: 'Sign in again',
    names: { username: 'Username', digits: 'Digits' },
  },
  message: {
    retry: 'Try again',
    home: 'Home',
    requestId: 'Number',
    status: 'Error {}',
  },
  api: {
    title: 'The API',
    lead: 'The HTTP API that these pages use.',
    document: 'OpenAPI document',
    version: 'Version {}',
    fields: 'Fields',
    field: 'Field',
    type: 'Type',
    required: 'required',
    meaning: 'Meaning',
    answers: 'Answers',
    status: 'Status',
  },
};
