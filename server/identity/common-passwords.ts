/**
 * The most common passwords and the words they are built of, curated: 15 characters and more are hardly ever on lists, so
 * what matters is to know the pieces. Lower case, letters and digits only.
 */
const list = `
password passwort passw0rd p4ssword p4ssw0rd pass1234 passphrase motdepasse contrasena senha wachtwoord parola heslo haslo
123456 1234567 12345678 123456789 1234567890 12345 1234 123123 123321 654321 987654321 111111 000000 121212 112233 131313
159753 147258 147258369 159357 741852963 789456123 101010 202020 232323 666666 777777 888888 999999 555555 222222 333333 444444
qwerty qwerty123 qwertyuiop qwert qwer1234 qwer asdf asdfgh asdfghjkl asdf1234 zxcvbn zxcvbnm zxcv 1q2w3e 1q2w3e4r 1q2w3e4r5t
1qaz2wsx qazwsx qazwsxedc zaq12wsx 1qazxsw2 q1w2e3r4 a1b2c3d4 abcd1234 abc123 abcdef abcdefg aaaaaa azerty azertyuiop
admin administrator root toor superuser guest test test123 testing tester demo user username login signin welcome welcome1 letmein
changeme change default temp temporary secret private secure security access master manager system server internet network computer
iloveyou ilove loveyou lovely love lover loveme sweet sweetheart honey baby babygirl angel princess queen king prince jesus christ
monkey dragon tiger lion eagle wolf bear panda puppy kitty kitten chicken butterfly dolphin horse phoenix unicorn spider shark
sunshine sunflower flower rainbow summer winter spring autumn january february march april june july august september october
november december monday tuesday wednesday thursday friday saturday sunday morning midnight tomorrow today forever always never
football baseball basketball soccer hockey tennis golfer volleyball cricket rugby liverpool arsenal chelsea barcelona madrid juventus
manchester united yankees cowboys lakers dallas steelers eagles rangers packers ferrari porsche mercedes mustang corvette camaro
harley honda toyota yamaha suzuki nissan jaguar batman superman spiderman ironman starwars startrek pokemon pikachu naruto minecraft
fortnite warcraft gandalf matrix hello hello123 helloworld world whatever nothing something trustno1 trust freedom liberty america
england london paris berlin germany france spain italy russia china korea japan tokyo seoul busan canada australia brazil mexico
india pakistan michael jennifer jessica ashley amanda daniel charlie thomas george robert joshua andrew matthew anthony william
jordan hunter ginger pepper cookie cheese chocolate banana orange apple cherry peanut coffee buster maggie bailey samantha nicole
michelle elizabeth victoria alexander christopher jonathan benjamin richard martin patrick david james john peter maria anna laura
google facebook twitter instagram youtube netflix amazon microsoft windows linux ubuntu android samsung iphone macbook apple123
company business office money dollar million millionaire bitcoin crypto wallet bank gold silver diamond platinum crystal purple
yellow green black white orange1 blue123 redsox hottest killer shadow ninja samurai soldier warrior knight wizard magic mystery
ranger hunter1 player gamer winner champion legend hero rockstar guitar piano music dancer singer metallica nirvana slipknot eminem
thequickbrownfox quickbrownfox jumpsover thelazydog lazydog tobeornottobe thatisthequestion
maytheforcebewithyou opensesame sesame openup pleaseletmein letmeinnow iamtheking ilovemydog ilovemycat ilovemyself ihatepasswords
thisismypassword mypassword password1 password12 password123 newpassword oldpassword yourpassword nopassword passwordpassword
writ writadmin example company123 project development production staging database postgres postgresql oracle mysql redis docker
kubernetes jenkins gitlab github bitbucket cisco router switch firewall vpn office365 outlook exchange sharepoint azure cloud
saranghae saranghaeyo annyeong dkssud dkssudgktpdy dkssudgktp qlalfqjsgh qlqjs skdiskdi tkfkdgo tkfkd tkfkdgody gksrnr dnfl dnflwlq
alsrnr eogksalsrnr thdus wlstjd wjdgns wlgns tjdus dbwls gksmf rlaalswl 비밀번호 사랑해 대한민국 안녕하세요 관리자 가나다라 한국 서울
sakura nihon tokyo123 arigato woaini aini5201314 5201314 520520 1314520 a123456 a12345678 aa123456 w123456 q123456 zz123456
`

/** Made on first use: a sign-in never needs it. */
export function commonPasswords(): readonly string[] {
  return list.split(/\s+/).filter((word) => word !== '')
}
