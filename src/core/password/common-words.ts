/**
 * Words, names, teams and phrases that are common passwords, or the base of them. They rank high in every published
 * list of leaked passwords.
 * Lower case, at least three letters. Without digits and symbols, which `common-password.ts` handles.
 */
export const COMMON_WORDS: ReadonlySet<string> = new Set(
  `
password passwort passwords passcode passphrase passport parola motdepasse contrasena contraseña wachtwoord
haslo senha salasana lozinka jelszo heslo kennwort mypassword yourpassword thepassword newpassword
oldpassword nopassword passw0rd passwd pass pword pswd paswoord welcome welcomeback welkom willkommen
bienvenue bienvenido benvenuto hello hellohello helloworld hallo hola bonjour salut ciao goodbye goodmorning
goodnight hithere letmein letmeinnow letmesee opensesame sesame enter enternow access accessdenied
accessgranted login logon signin logmein changeme changeit changethis changemenow change default guest
visitor secret topsecret secrets private personal confidential secure security unknown nothing something
anything everything whatever whoever whenever forever forgot forgotten forgetit remember rememberme
nevermind noidea idontknow dontknow dunno dontforget admin administrator administrador administrateur
adminadmin root rootroot toor superuser sysadmin operator master masterkey mastermind manager supervisor
boss owner user username users userpass account accounts office company business corporate finance marketing
support helpdesk service services system systems server database oracle mysql postgres postgresql redis
docker kubernetes jenkins linux ubuntu debian redhat windows windowsxp microsoft macintosh android samsung
nokia motorola blackberry iphone ipad apple google gmail facebook twitter instagram snapchat youtube
linkedin myspace yahoo hotmail amazon netflix spotify whatsapp telegram tiktok pinterest paypal ebay reddit
discord twitch steam playstation nintendo xbox gamecube minecraft fortnite roblox counterstrike halflife
starcraft warcraft worldofwarcraft diablo overwatch leagueoflegends runescape zelda pokemon pikachu
charizard mario supermario sonic tetris pacman callofduty battlefield assassin skyrim fallout computer
computers laptop desktop keyboard internet network networks website program programmer developer software
hardware engineer engineering technology digital electronic electric cyber hacker hackers hacked matrix test
testing tester testtest testuser testpass testpassword example sample demo temp temporary temppass tempuser
trial student students teacher teachers school college university education library learning training
research science chemistry biology physics history geography mathematics qwerty qwertyu qwertyui azerty
azertyuiop qwertz qwert asdf asdfg asdfgh asdfghj zxcv zxcvb zxcvbn qazwsx qaz wsx asd qwe zxc abc abcd
abcde abcdef abcxyz xyz aaa bbb xxx zzz trustno trustme trustnoone trustnobody iloveyou iloveu iloveme ilove
iloveyouso iloveyoumore loveyou loveme lovers lover loverboy lovergirl lovely lovelove loveless lovebug
loveit lovehate loving love mylove truelove firstlove babylove endlesslove lovestory lovelife ilovemom
ilovedad ilovemyself ilovegod ilovejesus ilovemydog ilovemycat ilovemusic iloveher ilovehim iloveyou4ever
teamo tequiero tiamo jetaime ichliebedich liebe amore amormio mivida amor corazon princesa estrella mariposa
chocolate bonita hermosa preciosa tequieromucho nosequeponer princess prince queen king kingkong royal crown
diamond diamonds emerald sapphire crystal golden goldfish silver platinum pearl jewels treasure precious
angel angels angelito angelina guardian heaven heavenly paradise eternity infinity destiny fantasy dreamer
dreams dream sweetdreams sweet sweets sweetie sweetpea sweetheart sweetness honey honeybee honeypie honeybun
sugar sugarplum candy candyman candycane cookie cookies cupcake cupcakes muffin brownie pancake pancakes
pumpkin pumpkins peanut peanuts butter peanutbutter popcorn pepper peppers doctorpepper drpepper pepsi
cocacola coke mountaindew sprite coffee espresso cappuccino tea cheese cheeseburger burger hamburger pizza
pizzahut spaghetti lasagna macaroni noodles sushi burrito taco tacos banana bananas orange oranges apples
cherry cherries strawberry strawberries blueberry raspberry watermelon pineapple peaches peach mango lemon
lemonade grapes coconut chocolates vanilla caramel cinnamon ginger nutella oreo snickers skittles jellybean
jelly jellyfish marshmallow lollipop bubblegum icecream milkshake whiskey whisky vodka tequila bacardi
heineken guinness budweiser corona wine cheers sunshine sunny sunflower sunflowers sunrise sunset sunday
sundays sunlight moonlight moonshine moon stars starlight starfish starwars startrek stargate stardust
starbucks superstar rockstar shooting rainbow rainbows raindrop rain raining storm thunder thunderbolt
lightning hurricane tornado blizzard snow snowball snowman snowflake snowboard winter winters spring
springtime summer summers summertime autumn weather cloud clouds ocean oceans river rivers water waterfall
waterloo island islands beach beaches desert forest mountain mountains flower flowers flowerpower rose roses
daisy daisies lily violet orchid tulip blossom garden nature earth world planet universe galaxy mercury
venus mars jupiter saturn neptune uranus pluto apollo voyager discovery challenger enterprise explorer
columbia phoenix dragon dragons dragonfly dragonball dragonballz dungeon unicorn unicorns fairy fairies
wizard wizards magic magical magician merlin gandalf frodo hobbit aragorn legolas lordoftherings harrypotter
hogwarts gryffindor slytherin dumbledore voldemort hermione gameofthrones monkey monkeys monkeyman tiger
tigers tigger tigerwoods lion lions lionking lioness panther panthers pinkpanther blackpanther leopard
jaguar jaguars cheetah cougar cougars wolf wolves wolverine wolfpack wolfgang bear bears teddybear teddy
grizzly polarbear panda pandas koala kangaroo elephant elephants giraffe zebra hippo rhino buffalo mustang
mustangs stallion horse horses horseman pony ponies donkey cowboy cowboys cowgirl chicken chickens rooster
turkey duck ducks duckling penguin penguins falcon falcons eagle eagles raven ravens hawk hawks seahawks
cardinal cardinals bluebird blackbird parrot dolphin dolphins shark sharks whale turtle turtles snake snakes
viper cobra python spider spiders spiderman scorpion scorpio butterfly butterflies ladybug bumblebee hornet
hornets wasp cricket kitten kittens kitty hellokitty kittycat pussycat cat cats puppy puppies puppylove
doggie doggy doggies dog dogs bulldog bulldogs husky huskies poodle rottweiler labrador retriever beagle
chihuahua dachshund shepherd rabbit rabbits bunny bunnies hamster squirrel beaver badger badgers bobcat
wildcat wildcats animal animals creature monster monsters dinosaur godzilla batman superman supergirl
superwoman superhero ironman aquaman catwoman wonderwoman captain captainamerica deadpool avengers hulk
joker gotham robin thor loki daredevil punisher xmen ninja ninjas samurai warrior warriors gladiator spartan
spartans trojan trojans viking vikings pirate pirates buccaneer knight knights crusader soldier soldiers
general colonel sergeant marine marines ranger rangers army navy airforce military sniper shooter gunner
gunners killer killers killerbee killme assassins hunter hunters hunting fighter fighters champion champions
championship winner winners victory victoria legend legends hero heroes immortal invincible destroy
destroyer terminator predator alien aliens xfiles transformers optimusprime megatron robocop robot robots
ghost ghosts ghostrider phantom vampire vampires zombie zombies skeleton skull death deathnote darkness dark
darkside darkangel darkknight darklord darthvader skywalker lukeskywalker yoda jedi jedimaster chewbacca
hansolo millenniumfalcon stormtrooper rebel rebels rebellion devil devils satan lucifer demon demons evil
hell hellfire inferno fire firebird fireman firefly firefox fireball firefighter blaze football footballer
baseball basketball softball volleyball soccer soccerball tennis hockey icehockey golf golfer golfing
golfball rugby boxing wrestling wrestler karate judo swimming swimmer running runner skating skater
skateboard snowboarding surfing surfer fishing fisherman hiking climbing cycling bicycle racing racer nascar
formula athlete athletic sports sport coach player players playboy playgirl playball gamer gamers gaming
game games gameover gameboy arsenal chelsea liverpool manchester manchesterunited manunited mancity everton
tottenham celtic newcastle astonvilla westham leeds barcelona fcbarcelona realmadrid juventus intermilan
milan acmilan bayern borussia ajax feyenoord benfica porto galatasaray fenerbahce besiktas boca chivas
america flamengo corinthians palmeiras saopaulo santos messi ronaldo ronaldinho beckham zidane maradona
neymar cristiano lakers celtics bulls chicagobulls knicks spurs raptors clippers rockets nuggets pistons
cavaliers steelers packers patriots redskins raiders broncos chiefs giants jets colts saints bengals browns
titans texans chargers niners yankees redsox dodgers mets cubs whitesox braves phillies orioles astros
mariners marlins maple leafs canucks canadiens bruins flyers redwings blackhawks michael michelle jennifer
jessica ashley amanda nicole daniel danielle andrew andrea anthony joshua jonathan matthew christopher
christian christina christine cristina charlie charles charlotte thomas robert roberto richard william
williams patrick patricia michaela alexander alexandra alexandre alexandria alejandro alejandra stephanie
stephen steven samantha samuel samson victor benjamin elizabeth isabella isabelle gabriel gabriela gabrielle
natalie natasha nathan nathaniel nicholas nicolas vanessa veronica valentina valentine valentin sebastian
santiago fernando francisco francesco giovanni giuseppe alessandro alessandra margaret margarita katherine
catherine kathleen kimberly jacqueline josephine madeline madison mackenzie brittany courtney heather
melissa melanie rebecca rachel raymond ricardo eduardo leonardo lorenzo antonio antonia caroline carolina
claudia cynthia deborah dominic dominique dorothy douglas frederick frances gregory jeremiah jeremy kenneth
kristina kristen lawrence lindsay lindsey marcus martin martina maurice mercedes mitchell mohamed mohammed
muhammad mustafa abdullah ibrahim ahmed hassan hussain khalid oliver olivia patience penelope peter phillip
priscilla russell sabrina scott spencer sophia sophie sandra savannah shannon stanley stella sydney tamara
taylor teresa theresa timothy tiffany travis trinity tyler vincent virginia vivian walter wesley whitney
winston zachary jasmine jordan justin justinbieber bieber beyonce rihanna britney eminem metallica nirvana
acdc slipknot linkinpark greenday blink182 beatles thebeatles rollingstones ledzeppelin pinkfloyd ironmaiden
blacksabbath guitar guitars guitarist bassman drummer drums piano pianist violin trumpet trombone saxophone
clarinet music musical musician musiclover rocknroll rockandroll hiphop hendrix marley bobmarley elvis
elvispresley madonna michaeljackson johnlennon ladygaga onedirection bigbang superjunior backstreet
evanescence paramore coldplay radiohead aerosmith george maggie buster buddy bailey bella max lucky smokey
shadow shadows rusty rocky rockydog sammy harley harleydavidson molly sadie cooper coco bubba bubbles oscar
misty gizmo scooby scoobydoo snoopy garfield mickey mickeymouse minnie donald donaldduck goofy tweety
tweetybird sylvester bugsbunny daffyduck roadrunner spongebob patrickstar squidward simpsons homer
homersimpson bartsimpson southpark cartman kenny familyguy futurama bender popeye winnie winniethepooh
piglet eeyore tinkerbell cinderella snowwhite rapunzel ariel mermaid littlemermaid bambi dumbo simba nemo
findingnemo frozen elsa shrek ferrari lamborghini porsche mercedesbenz bmw audi volkswagen corvette camaro
chevrolet chevy dodge charger ford fordf150 toyota honda civic hondacivic nissan skyline mitsubishi subaru
yamaha kawasaki suzuki ducati triumph maserati bugatti bentley rollsroyce cadillac lexus infiniti mazda
peugeot renault citroen fiat volvo jeep wrangler hummer truck trucks trucker tractor engine motorcycle biker
airplane aircraft helicopter airport airborne pilot rocket rocketman spaceman astronaut london londres paris
berlin madrid rome roma milano moscow tokyo beijing shanghai hongkong singapore bangkok jakarta mumbai delhi
melbourne brisbane toronto montreal vancouver newyork newyorkcity manhattan brooklyn boston chicago detroit
dallas houston austin denver seattle portland oakland sanfrancisco losangeles california hollywood lasvegas
vegas florida miami orlando atlanta georgia northcarolina tennessee nashville memphis kentucky washington
maryland philadelphia pittsburgh cleveland cincinnati michigan minnesota wisconsin missouri kansas oklahoma
texas arizona colorado montana dakota nevada alaska hawaii canada mexico brazil brasil argentina colombia
venezuela chile peru ecuador cuba jamaica spain espana france germany deutschland italy italia portugal
holland nederland belgium switzerland austria sweden norway denmark finland poland polska czech hungary
romania bulgaria greece turkiye russia ukraine israel egypt nigeria kenya southafrica india pakistan
bangladesh indonesia philippines malaysia thailand vietnam china japan korea australia newzealand england
scotland ireland wales britain european american americana usa jesus jesuschrist jesussaves jesuslovesme
jesusislord christ christmas xmas merrychristmas halloween easter thanksgiving birthday happybirthday church
bible gospel prayer blessed blessing blessings believe believer faith faithful hope grace mercy glory
salvation spirit holyspirit godisgood godislove godbless blessme praisegod hallelujah allah alhamdulillah
bismillah krishna ganesh buddha shiva jehovah moses abraham genesis exodus revelation savior lordjesus
family families familia mother mothers father fathers mommy daddy daddysgirl babygirl babyboy babydoll
babycakes babyface baby babies mama mamma mamacita papa papi abuela grandma grandpa brother brothers sister
sisters husband wife wifey children child girlfriend boyfriend bestfriend bestfriends friend friends
friendship friendster amigos amistad boys girls girl girly cutegirl cutie cutiepie cuteness beautiful beauty
pretty prettygirl prettywoman gorgeous handsome sexy sexygirl sexylady sexything hotgirl hotstuff hottie
hotmama lady ladies gentleman mister missy bitch bitches asshole fuckyou fuckme fuckoff fucker fucking
motherfucker bullshit shithead shit dickhead cocksucker pussy naughty horny playmate pornstar porno sex
blowjob boobs bigdick bigcock penis vagina hardcore hustler jackass badass dumbass kickass smartass fatass
stupid idiot moron loser losers crazy crazygirl crazyboy psycho maniac lunatic freak freaky awesome amazing
fantastic wonderful excellent perfect brilliant super superb supreme ultimate extreme power powerful powerup
strong stronger strength freedom liberty justice peace peaceful peacelove democracy republic president
government revolution anarchy chaos money moneymaker moneyman cash dollar dollars million millions
millionaire billionaire rich richie wealth fortune gold jackpot casino poker blackjack gambler gambling
lottery luckyone luckyman luckygirl luckystar lovebird happy happyday happiness happyfeet behappy smile
smiles smiley smileyface laughter laugh funny funnyguy sadness lonely heartbreak heartbreaker broken
brokenheart heart hearts heartless tears crying misery sorrow alone single forgiven forgiveness goodluck
goodboy goodgirl badboy badgirl bigboy bigdaddy bigmac bigdog bigfoot bigred littleone littleman littlegirl
shorty slimshady gangster gangsta thuglife westside eastside hustle playa pimp pimpin ballin hitman scarface
godfather corleone sopranos tonymontana jamesbond bond007 agent007 goldeneye casablanca rockyb titanic
braveheart highlander avatar inception pulpfiction fightclub kingston kingdom empire castle tower palace
throne cavalier majestic maximus octopus october november december september january february monday tuesday
wednesday thursday friday saturday weekend holiday holidays vacation morning midnight tonight tomorrow
yesterday today black white blue green yellow purple pink brown grey gray scarlet crimson indigo turquoise
magenta blackcat whiteboy bluesky bluemoon blueeyes bluedog greentea greeneyes redrose redhead reddevil
reddog redneck pinkrose purplerain purplehaze yellowstone doctor nurse lawyer police policeman firemen
artist artists dancer dancers dancing danger dangerous actress actor singer singers model models writer
photo photography photoshop painter painting design designer architect builder building carpenter plumber
mechanic driver gardener farmer butcher baker cook cooking chef kitchen restaurant marijuana cannabis weed
smokeweed ganja stoner smoke smoking smokes cigarette marlboro cocaine heroin ecstasy crackers drunk beer
beerman alcohol qwertyqwerty asdfasdf zxcvzxcv onetwothree onetwo twothree threefour fourfive number numbers
numberone thenumber seventy hundred thousand zero zerocool double triple infinite abcabc alphabet alpha
bravo delta echo foxtrot omega gamma sigma theta lambda epsilon romeo sierra tango uniform yankee zulu
cherokee apache navajo sequoia geronimo pocahontas tomahawk thunderbird eclipse solstice aurora horizon
odyssey olympus olympic titanium chrome cobalt carbon oxygen hydrogen nitrogen uranium plutonium radioactive
nuclear atomic quantum gravity velocity turbo nitro supersonic jackson johnson anderson harrison robinson
thompson peterson richardson rodriguez gonzalez hernandez martinez sanchez ramirez fernandez gutierrez
castillo mendoza morales ortega vargas garcia lopez nguyen smith jones miller davis wilson moore parker
turner phillips campbell edwards collins stewart morris murphy sullivan kennedy lincoln clinton reagan obama
trump bush roosevelt einstein newton darwin shakespeare beethoven mozart picasso davinci michelangelo
raphael donatello napoleon caesar cleopatra spartacus hercules achilles zeus athena aphrodite poseidon hades
artemis medusa pandora carlos jose juan miguel pedro pablo luis jorge manuel diego javier andres rafael
maria ana carmen rosa lucia sofia camila valeria mariana daniela paola natalia adriana beatriz monica lorena
karina marina irina olga svetlana tatiana ekaterina nikita dmitry sergey ivan boris vladimir alexey mikhail
andrey maxim marseille toulouse bordeaux lyon doudou loulou chouchou chocolat soleil camille juliette julien
antoine thibault guillaume florian maxime romain quentin aurelie celine emilie manon lea chloe hannover
hamburg muenchen frankfurt stuttgart dortmund schalke werder sommer fruehling herbst schatz schatzi liebling
mausi sonne sonnenschein blume fussball geheim sicher stefan andreas juergen matthias christoph katharina
susanne sabine
`
    .trim()
    .split(/\s+/u),
);
