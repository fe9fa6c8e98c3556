/** A worker of the bcrypt pool that never comes to life. */
throw new Error('a stillborn worker');
